"""The process that keeps a maker and a paper exchange beside a fork: `python -m oms.bootstrap.companions FORK`.

Owns: their lives. It says where they are in `OMS_HOME/forks/FORK.services`, and ends them when it is ended.
"""

import json
import signal
import sys
import threading

from oms.bootstrap.configuration import load_settings
from oms.bootstrap.services import start_local
from oms.bootstrap.sessions import Opening, open_session
from oms.errors import OmsError


def main(name: str) -> int:
    """Run until told to end. The exit code is 3 when it could not start."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    settings = load_settings()
    try:
        with open_session(settings, Opening(name)) as session:
            services = start_local(settings, session)
            with services.resources:
                path = settings.home / "forks" / f"{name}.services"
                draft = path.with_suffix(".services-part")
                draft.write_text(json.dumps({"services": [dict(entry) for entry in services.entries]}))
                draft.replace(path)
                ended.wait()
    except (OmsError, OSError) as error:
        print(" ".join(str(error).split()), file=sys.stderr, flush=True)  # noqa: T201 (the parent reads it)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
