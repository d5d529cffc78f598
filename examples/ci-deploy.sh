#!/bin/sh
# Deploys a stack file with Graphium and waits for the verdict. Needs curl and a POSIX shell, nothing else.
#
#   GRAPHIUM_URL=https://graphium.example.com GRAPHIUM_TOKEN=gph_user_... ci-deploy.sh compose.yaml [idempotency-key]
#
# The file is a Compose file, or Graphium JSON-LD if it speaks of "hasPart". GRAPHIUM_VARIABLES names the environment
# variables that a Compose file may refer to: GRAPHIUM_VARIABLES="TAG DB_PASSWORD".
# The key makes it safe to run the job again: the same key and file never deploy twice. Without one, each run deploys.
# Set CURL_CA_BUNDLE for a server with a certificate of your own authority.
# Exit: 0 the deployment SUCCEEDED, 1 any other verdict (ROLLED_BACK too) or the file was refused, 2 wrong usage or no answer.
set -eu

fail() {
  echo "ci-deploy: $2" >&2
  exit "$1"
}

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

# The same until Graphium itself has an answer, for a minute or more. A certificate that is no good stays so.
request_again() {
  for wait in 1 2 4 8 15 30 0; do
    code=0
    request "$@" --max-time 30 >"$work/answer" || code=$?
    case $code in 51 | 58 | 60 | 77) return 1 ;; esac
    if [ "$code" = 0 ] && grep -q '"\(data\|errors\)":' "$work/answer" && ! grep -q '"code":"UNAVAILABLE"' "$work/answer"; then
      return 0
    fi
    sleep "$wait"
  done
  return 1
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
arguments="\"file\":\"$file\",\"key\":\"$(printf %s "$key" | escape)\""
[ -z "$variables" ] || arguments="$arguments,\"variables\":{$variables}"
request_again "mutation(\$file:String!,\$key:String,\$variables:JSON){deployStack(source:{$format:\$file},variables:\$variables,options:{idempotencyKey:\$key}){id}}" \
  "{$arguments}" || fail 2 "no answer from $GRAPHIUM_URL"

id=$(sed -n 's/.*"deployStack":{"id":"\([0-9a-f-]*\)".*/\1/p' "$work/answer")
if [ -z "$id" ]; then
  echo "ci-deploy: $1 was refused:" >&2
  string='"\([^"\\]\|\\.\)*"'
  if grep -o '"message":'"$string"',"path":'"$string"',"line":[0-9]*,"column":[0-9]*' "$work/answer" >"$work/problems"; then
    sed -e 's/^"message":"\(.*\)","path":"\(.*\)","line":\([0-9]*\),"column":\([0-9]*\)$/  line \3, column \4: \2: \1/' "$work/problems" | unescape >&2
  elif grep -o '"message":'"$string" "$work/answer" >"$work/problems"; then
    sed -e 's/^"message":"/  /' -e 's/"$//' "$work/problems" | unescape >&2
  else
    cat "$work/answer" >&2
  fi
  exit 1
fi
echo "deployment $id"

# One line for every task that changed; the fields come in the order in which they were asked for.
show() {
  while IFS= read -r line; do
    case $line in data:*) echo yes >"$work/heard" ;; *) continue ;; esac
    printf '%s' "$line" | sed -n 's/.*"deployment":{"status":"\([A-Z_]*\)".*/\1/p' >"$work/status.new"
    [ -s "$work/status.new" ] && mv "$work/status.new" "$work/status"
    printf '%s' "$line" | grep -o '{"agent":[^}]*}' | sed -e 's/"[a-zA-Z]*"://g' -e 's/[{}"]//g' -e 's/null//g' |
      awk -F, '{ printf "%-16s %-7s %-24s %-9s %s\n", $1, $2, ($3 == "" ? $4 : $3), $5, tolower($6) }' >"$work/tasks.new"
    touch "$work/tasks"
    while IFS= read -r task; do
      grep -Fqx -- "$task" "$work/tasks" || echo "  $task"
    done <"$work/tasks.new"
    mv "$work/tasks.new" "$work/tasks"
  done
}

# The stream starts with the whole state, so after a broken connection it is simply opened again.
echo RUNNING >"$work/status"
broken=0
while [ "$(cat "$work/status")" = RUNNING ]; do
  request 'subscription($id:ID!){deployment(id:$id){status tasks{agent kind containerName image status phase}}}' "{\"id\":\"$id\"}" \
    -N -H 'Accept: text/event-stream' --connect-timeout 10 --speed-limit 1 --speed-time 60 2>"$work/error" | show || true
  [ "$(cat "$work/status")" = RUNNING ] || break
  [ ! -s "$work/heard" ] || broken=0
  : >"$work/heard"
  broken=$((broken + 1))
  [ "$broken" -le 30 ] || fail 2 "lost the server while deployment $id was running: $(cat "$work/error")"
  sleep 2
done

status=$(cat "$work/status")
echo "$status"
[ "$status" != ROLLED_BACK ] || echo "the stack is again as its last good revision" >&2
[ "$status" != SUCCEEDED ] || exit 0

request_again 'query($id:ID!){deployment(id:$id){cause{code message agent containerName exitCode logs}}}' "{\"id\":\"$id\"}" ||
  fail 2 "no answer from $GRAPHIUM_URL"
mv "$work/answer" "$work/cause"
{
  echo
  echo "cause      $(field code <"$work/cause")"
  echo "container  $(field containerName <"$work/cause") on $(field agent <"$work/cause")"
  exit_code=$(sed -n 's/.*"exitCode":\([0-9]*\).*/\1/p' "$work/cause")
  [ -z "$exit_code" ] || echo "exit code  $exit_code"
  field message <"$work/cause"
  echo
  echo "last log lines:"
  sed -n 's/.*"logs":\[\(.*\)\].*/\1/p' "$work/cause" | grep -o '"\([^"\\]\|\\.\)*"' | sed -e 's/^"/  /' -e 's/"$//' | unescape
} >&2
exit 1
