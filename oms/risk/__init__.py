"""The one gate that every order passes."""
