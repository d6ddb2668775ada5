"""Tests beside nodes, chains and commands."""

import pytest

# They check on behalf of tests, so their failures are told as fully.
pytest.register_assert_rewrite("tests.integration.command_line", "tests.integration.owners_chain")
