# Source this file in bash: it puts the Go toolchain that scripts/setup chose first in PATH, with caches of its own
# under .local/ (LINKD_GOCACHE names another build cache), so that nothing a test does touches the user's.
LINKD_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ ! -r "$LINKD_ROOT/.local/goroot" ]; then
  echo "scripts/env.sh: no Go toolchain chosen yet: run scripts/setup first" >&2
  return 1 2>/dev/null || exit 1
fi
GOROOT=$(cat "$LINKD_ROOT/.local/goroot")
PATH=$GOROOT/bin:$PATH
GOCACHE=${LINKD_GOCACHE:-$LINKD_ROOT/.local/gocache}
GOPATH=$LINKD_ROOT/.local/gopath
export LINKD_ROOT GOROOT PATH GOCACHE GOPATH
export GOTOOLCHAIN=local GOENV=off GOFLAGS= GOWORK=off GOPROXY=off GOEXPERIMENT= GO111MODULE= CGO_ENABLED=0
unset GOOS GOARCH GOAMD64 GODEBUG
