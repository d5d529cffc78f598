#!/bin/sh
# Deploys a stack file with Graphium and waits for the verdict. Needs curl and a POSIX shell, nothing else.
#
#   GRAPHIUM_URL=https://graphium.example.com GRAPHIUM_TOKEN=gph_user_... ci-deploy.sh compose.yaml [idempotency-key]
#
# The file is a Compose file, or Graphium JSON-LD if it speaks of "hasPart". GRAPHIUM_VARIABLES names the environment
# variables that a Compose file may refer to: GRAPHIUM_VARIABLES="TAG DB_PASSWORD".
# The key makes it safe to run the job again: what was deployed under it is not deployed twice, and what failed under it
# is tried again. Without one, each run deploys.
# Set CURL_CA_BUNDLE for a server with a certificate of your own authority.
# Exit: 0 the deployment SUCCEEDED, 1 any other verdict (ROLLED_BACK too) or the file was refused, 2 wrong usage, a token
# that may not deploy, or no answer.
set -eu

fail() {
  echo "ci-deploy: $2" >&2
  exit "$1"
}

case ${1-} in
-h | --help)
  sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p;}' "$0"
  exit 0
  ;;
esac
[ $# -ge 1 ] && [ $# -le 2 ] || fail 2 "usage: ci-deploy.sh FILE [IDEMPOTENCY-KEY]"
[ -r "$1" ] || fail 2 "cannot read $1"
: "${GRAPHIUM_URL:?ci-deploy: set GRAPHIUM_URL}" "${GRAPHIUM_TOKEN:?ci-deploy: set GRAPHIUM_TOKEN}"
key=${2:-"ci-$(date +%s)-$$"}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# In a file, because the arguments of a process are visible to everybody on the machine.
(umask 077 && printf 'header = "Authorization: Bearer %s"\n' "$GRAPHIUM_TOKEN" >"$work/auth")

# Text as the inside of a JSON string.
escape() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$(printf '\t')/\\\\t/g" -e "s/$(printf '\r')/\\\\r/g" | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'; }
# The inside of JSON strings as text. An escaped backslash must not take part in what follows it: it waits as \001.
mark=$(printf '\001')
unescape() { sed -e "s/\\\\\\\\/$mark/g" -e 's/\\n/\n/g' -e 's/\\t/\t/g' -e 's/\\r//g' -e 's/\\u001b\[[0-9;]*m//g' -e 's/\\"/"/g' -e "s/$mark/\\\\/g"; }

# request QUERY VARIABLES [more arguments of curl]
request() {
  printf '{"query":"%s","variables":%s}' "$1" "$2" >"$work/body"
  shift 2
  curl -sS --config "$work/auth" -H 'Content-Type: application/json' --data-binary @"$work/body" "$@" "${GRAPHIUM_URL%/}/graphql"
}

# The same until Graphium itself has an answer, for a minute or more, while that may help: a certificate that is no good,
# or an address that is not Graphium's, stays so. `asked` counts the requests.
request_again() {
  asked=0
  for wait in 1 2 4 8 15 30 0; do
    asked=$((asked + 1))
    code=0
    : >"$work/answer"
    http=$(request "$@" --max-time 30 -o "$work/answer" -w '%{http_code}' 2>"$work/error") || code=$?
    [ "$code" = 0 ] && why="HTTP $http" || why=$(head -n 1 "$work/error")
    case $code in 1 | 3 | 51 | 58 | 60 | 77) break ;; esac
    case $http in 429 | 5?? | 000) ;;
    *)
      grep -q '"\(data\|errors\)":' "$work/answer" || break
      grep -q '"code":"\(UNAVAILABLE\|RATE_LIMITED\)"' "$work/answer" || return 0
      ;;
    esac
    [ "$asked" -gt 1 ] || echo "ci-deploy: no answer from $GRAPHIUM_URL yet ($why); trying for a minute" >&2
    sleep "$wait"
  done
  fail 2 "no answer from $GRAPHIUM_URL: $why"
}

# field NAME: the first string with that name on standard input
field() { sed -n 's/.*"'"$1"'":"\(\([^"\\]\|\\.\)*\)".*/\1/p' | head -n 1 | unescape; }

file=$(escape <"$1")
format=compose
grep -q '"hasPart"' "$1" && format=jsonld
variables=
for name in ${GRAPHIUM_VARIABLES:-}; do
  case $name in [!A-Za-z_]* | *[!A-Za-z0-9_]*) fail 2 "GRAPHIUM_VARIABLES: $name is not the name of a variable" ;; esac
  eval "[ \"\${$name+set}\" ]" || fail 2 "GRAPHIUM_VARIABLES names $name, which is not set"
  value=$(eval "printf %s \"\$$name\"" | escape)
  variables="$variables${variables:+,}\"$name\":\"$value\""
done

# What is wrong with the file has a line; everything else has a code that says what it is about.
refused() {
  string='"\([^"\\]\|\\.\)*"'
  case $(field code <"$work/answer") in
  UNAUTHENTICATED) fail 2 "GRAPHIUM_TOKEN was refused: $(field message <"$work/answer")" ;;
  FORBIDDEN) fail 2 "GRAPHIUM_TOKEN may not deploy: $(field message <"$work/answer")" ;;
  esac
  if grep -o '"message":'"$string"',"path":'"$string"',"line":[0-9]*,"column":[0-9]*' "$work/answer" >"$work/problems"; then
    echo "ci-deploy: $1 was refused:" >&2
    sed -e 's/^"message":"\(.*\)","path":"\(.*\)","line":\([0-9]*\),"column":\([0-9]*\)$/  line \3, column \4: \2: \1/' "$work/problems" | unescape >&2
  elif grep -o '"message":'"$string" "$work/answer" >"$work/problems"; then
    echo "ci-deploy: the deployment was refused ($(field code <"$work/answer")):" >&2
    sed -e 's/^"message":"/  /' -e 's/"$//' "$work/problems" | unescape >&2
  else
    cat "$work/answer" >&2
  fi
  exit 1
}

# An earlier run of the job may have failed under this key; then the next key that it leads to is tried.
run=1
while :; do
  this_key=$key
  [ "$run" = 1 ] || this_key="$key, run $run"
  arguments="\"file\":\"$file\",\"key\":\"$(printf %s "$this_key" | escape)\""
  [ -z "$variables" ] || arguments="$arguments,\"variables\":{$variables}"
  request_again "mutation(\$file:String!,\$key:String,\$variables:JSON){deployStack(source:{$format:\$file},variables:\$variables,options:{idempotencyKey:\$key}){id status stack}}" "{$arguments}"
  id=$(sed -n 's/.*"deployStack":{"id":"\([0-9a-f-]*\)".*/\1/p' "$work/answer")
  [ -n "$id" ] || refused "$1"
  # With more than one request it may be this very run that made it.
  [ "$asked" = 1 ] || break
  case $(field status <"$work/answer") in
  FAILED | ROLLED_BACK | CANCELLED)
    earlier="deployment $id was made by an earlier run and is $(field status <"$work/answer")"
    request_again 'query($stack:String!){deployments(stack:$stack,kind:DEPLOY,first:1){nodes{idempotencyKey}}}' "{\"stack\":\"$(field stack <"$work/answer" | escape)\"}"
    case $(field idempotencyKey <"$work/answer") in
    "$key" | "$key, run "*) echo "$earlier: deploying again" ;;
    *) fail 1 "$earlier, and a newer deployment of the stack exists; to deploy this file all the same, give another key" ;;
    esac
    ;;
  *) break ;;
  esac
  run=$((run + 1))
done
echo "deployment $id"
echo "  ${GRAPHIUM_URL%/}/deployments/$id"

# One line for every task that changed; the fields come in the order in which they were asked for.
show() {
  while IFS= read -r line; do
    case $line in
    data:*'"errors":'*) printf '%s' "$line" >"$work/refusal" && continue ;;
    data:*) ;;
    *) continue ;;
    esac
    printf '%s' "$line" | sed -n 's/.*"deployment":{"status":"\([A-Z_]*\)".*/\1/p' >"$work/status.new"
    [ -s "$work/status.new" ] && cp "$work/status.new" "$work/heard" && mv "$work/status.new" "$work/status"
    printf '%s' "$line" | grep -o '{"agent":[^}]*}' | sed -e 's/"[a-zA-Z]*"://g' -e 's/[{}"]//g' -e 's/null//g' |
      awk -F, '{ printf "%-16s %-7s %-24s %-9s %s\n", $1, $2, ($3 == "" ? $4 : $3), $5, ($5 == "RUNNING" ? tolower($6) : "") }' |
      sed -e 's/ *$//' >"$work/tasks.new"
    touch "$work/tasks"
    while IFS= read -r task; do
      grep -Fqx -- "$task" "$work/tasks" || echo "  $(date +%H:%M:%S) $task"
    done <"$work/tasks.new"
    mv "$work/tasks.new" "$work/tasks"
  done
}

# The stream starts with the whole state, so after a broken connection it is simply opened again.
echo RUNNING >"$work/status"
: >"$work/heard"
: >"$work/refusal"
broken=0
while [ "$(cat "$work/status")" = RUNNING ]; do
  request 'subscription($id:ID!){deployment(id:$id){status tasks{agent kind containerName image status phase}}}' "{\"id\":\"$id\"}" \
    -N -H 'Accept: text/event-stream' --connect-timeout 10 --speed-limit 1 --speed-time 60 2>"$work/error" | show || true
  [ "$(cat "$work/status")" = RUNNING ] || break
  why=$(cat "$work/error")
  if [ -s "$work/refusal" ]; then
    why=$(field message <"$work/refusal")
    case $(field code <"$work/refusal") in
    UNAUTHENTICATED | FORBIDDEN | NOT_FOUND) fail 2 "deployment $id cannot be followed any more: $why" ;;
    esac
  fi
  [ ! -s "$work/heard" ] || broken=0
  : >"$work/heard"
  : >"$work/refusal"
  broken=$((broken + 1))
  [ "$broken" -le 30 ] || fail 2 "lost the server while deployment $id was running: $why"
  sleep 2
done

status=$(cat "$work/status")
echo "$status"
case $status in
SUCCEEDED) exit 0 ;;
ROLLED_BACK) echo "the stack is again as its last good revision" >&2 ;;
SUPERSEDED) fail 1 "a newer deployment of the stack took the place of this one; to deploy this file all the same, give another key" ;;
esac

request_again 'query($id:ID!){deployment(id:$id){cause{code message agent containerName exitCode logs healthLog}}}' "{\"id\":\"$id\"}"
mv "$work/answer" "$work/cause"

# lines NAME TITLE: the strings of a list, under a title, if there are any
lines() {
  sed -n 's/.*"'"$1"'":\[\(\("\([^"\\]\|\\.\)*",\{0,1\}\)*\)\].*/\1/p' "$work/cause" | grep -o '"\([^"\\]\|\\.\)*"' >"$work/lines" || return 0
  echo
  echo "$2:"
  sed -e 's/^"/  /' -e 's/"$//' "$work/lines" | unescape
}
{
  echo
  echo "cause      $(field code <"$work/cause")"
  container=$(field containerName <"$work/cause")
  agent=$(field agent <"$work/cause")
  [ -z "$container$agent" ] || echo "container  ${container:-none} on ${agent:-no host}"
  exit_code=$(sed -n 's/.*"exitCode":\([0-9]*\).*/\1/p' "$work/cause")
  [ -z "$exit_code" ] || echo "exit code  $exit_code"
  field message <"$work/cause" | sed -e "s/^${container:-none}: //"
  lines healthLog "health log"
  lines logs "last log lines"
} >&2
exit 1
