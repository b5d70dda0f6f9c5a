# SPDX-License-Identifier: BSL-1.0
#
# serve_ids.sh BIN_DIR: how 'shoal-ids serve' is reached, by whom, and what it says to clients that make mistakes. Its guests are
# not there: those with kernels are in tests/interop/ids_guest.sh.
. "$(dirname "$0")/lib/check.sh"
need openssl python3
ids=$bin/shoal-ids
[ -x "$ids" ] || skip "$ids has not been built"

# start COUNT ARGUMENTS...: starts it and waits until it has said COUNT places; they are in "places"
start() {
  count=$1
  shift
  : > alerts
  : > server.err  # now: the shell in the background may take a while to do it, and what the last one said is there
  "$ids" serve --guest g=missing.ram "$@" > alerts 2> server.err &
  server=$!
  servers=$server
  for _ in $(seq 600); do
    [ "$(wc -l < server.err)" -lt "$count" ] || break
    kill -0 "$server" 2> /dev/null || break
    sleep 0.1
  done
  head -n "$count" server.err > places
  same "places of: $*" "$count" "$(wc -l < places)"
}
stop() {
  kill "$server"
  code=0
  wait "$server" || code=$?
  servers=
  same 'exit code after SIGTERM' 0 "$code"
  cp server.err err
  : > out
  decent 'shoal-ids serve'
}
# wait_for TEXT FILE
wait_for() {
  for _ in $(seq 200); do
    if grep -aq -e "$1" "$2"; then ok; return; fi
    sleep 0.1
  done
  bad "no '$1' in $2:"
  cat "$2"
}

# say PLACE BYTES: what is answered until the end, into "said"; BYTES are Python's
cat > say.py << 'END'
import socket, sys
place, data = sys.argv[1], eval("b" + repr(sys.argv[2]).replace("\\\\", "\\"))
if place.startswith("unix:"):
    s = socket.socket(socket.AF_UNIX)
    s.connect(place[5:])
else:
    host, port = place.split("//")[1].rsplit(":", 1)
    s = socket.create_connection((host.strip("[]"), int(port)))
s.settimeout(60)
try:
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
except OSError:
    pass
while True:
    try:
        got = s.recv(65536)
    except ConnectionError:
        break
    if not got:
        break
    sys.stdout.buffer.write(got)
END
say() { python3 say.py "$1" "$2" > said 2> say.err || { bad "nobody answers at $1"; cat say.err; }; }
# answers BYTES TEXT...: each TEXT is in the answer
answers() {
  say "$place" "$1"
  line=$1
  shift
  for text; do
    if grep -aqF -e "$text" said; then ok; else bad "'$text' is not in the answer to '$line':"; sed 's/^/    /' said; fi
  done
  cp said out
  : > err
  decent "$line"
}

# the lines, over TCP and a Unix socket
start 2 --listen tcp://127.0.0.1:0 --listen "unix:$work/ids sock" --every 100ms --alert - --alert "cbor:$work/alerts.cbor"
for place in $(sed -n 's/^tcp/tcp/p' places) "unix:$work/ids sock"; do
  answers 'help\n' Usage: plist check guests watch ok
  answers 'plist --help\n' 'plist' '--json' ok
  answers 'guests\n' 'g  ' alert
  answers 'plist g\n' 'error: g is not there: cannot look into missing.ram' '; give a process id'
  answers 'ids --json plist g\r\n' '"end":"error"' '"problem":"g is not there' '"code":1'
  answers 'check g --json\n' '"end":"error"'
  answers 'plist other\n' "error: there is no guest 'other'; 'guests' tells"
  answers 'alerts\n' 'g ALERT away: cannot look into missing.ram'
  answers 'watch g --for 100ms\n' 'g ALERT away' alert
  answers 'watch other\n' "no guest 'other'"
  answers 'plist\n' 'error: ' GUEST "; 'help' tells"
  answers 'plist g extra\n' extra
  answers 'plist g --baseline /etc/passwd\n' baseline
  answers 'check g --baseline /etc/passwd\n' 'error: ' baseline
  answers 'baseline g -o /tmp/x\n' "error: there is no command 'baseline'"
  answers 'watch g --every 1s\n' 'error: '
  answers 'serve --guest g=1\n' "error: there is no command 'serve'; 'help' tells"
  answers '"unclosed\n' 'error: '
  answers '--json nonsense\n' "there is no command 'nonsense'" '"code":2'
  answers 'guests\x00\xff\n' 'error: this line has characters'
  answers '\n\n  \nguests\n' 'g  '
  answers 'guests' 'g  '
  answers 'guests\nplist g\nguests --json\nquit\nguests\n' 'g  ' 'error: g is not there' '"guest":"g"'
  same 'answers before quit' 3 "$(grep -ac '^error\|^alert\|^{"end"' said)"
  say "$place" "$(printf '%02000d' 0)"
  if grep -q 'error: a line is longer than 1024 bytes' said; then ok; else bad "a long line: $(head -c 300 said)"; fi
  say "$place" 'guests --cbor\n'
  check 'CBOR is a sequence of two maps' python3 -c '
data = open("said", "rb").read()
assert data[0] >> 5 == 5 and b"\x65guest\x61g" in data and b"\x63end\x65alert" in data, data'
done
wait_for 'g ALERT away: cannot look into missing.ram' alerts
same 'each alert once' 1 "$(wc -l < alerts)"
check 'alerts in a file' grep -aq 'missing.ram' alerts.cbor
[ -S 'ids sock' ] && ok
stop
check 'the socket has gone' [ ! -e 'ids sock' ]

# many clients at once, some of which say nothing
start 1 --listen tcp://127.0.0.1:0
place=$(cat places)
check 'a hundred clients' python3 -c '
import socket, sys
host, port = sys.argv[1].split("//")[1].rsplit(":", 1)
idle = [socket.create_connection((host, int(port))) for _ in range(60)]
for _ in range(40):
    s = socket.create_connection((host, int(port)))
    s.sendall(b"guests\nquit\n")
    while s.recv(65536):
        pass
for s in idle:
    s.sendall(b"gue")
' "$place"
answers 'guests\n' 'g  '
stop

# TLS, with and without certificates of clients
for who in server client stranger; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$who" \
    -addext 'subjectAltName=IP:127.0.0.1' -keyout "$who.key" -out "$who.pem" 2> /dev/null
done
cat server.pem server.key > both.pem
# ask_tls LINE OPTION...: the answer is in "said"
ask_tls() {
  line=$1
  shift
  printf '%s\nquit\n' "$line" |
    timeout 60 openssl s_client -quiet -connect "${place#tls://}" -CAfile server.pem -verify_return_error "$@" > said 2> say.err || :
}
start 1 --listen tls://127.0.0.1:0 --certificate both.pem
place=$(cat places)
ask_tls guests
if grep -q '^g  ' said; then ok; else bad "TLS: $(cat said say.err)"; fi
say "tcp://${place#tls://}" 'guests\n'
if grep -q '^g  ' said; then bad 'TLS is optional'; else ok; fi
stop
start 1 --listen tls://127.0.0.1:0 --certificate server.pem --key server.key --trust client.pem
place=$(cat places)
ask_tls guests -cert client.pem -key client.key
if grep -q '^g  ' said; then ok; else bad "a client with its certificate: $(cat said say.err)"; fi
ask_tls guests
if grep -q '^g  ' said; then bad 'a client without a certificate was served'; else ok; fi
ask_tls guests -cert stranger.pem -key stranger.key
if grep -q '^g  ' said; then bad "a client with a stranger's certificate was served"; else ok; fi
stop

# a serial line, which has an echo and a prompt
cat > serial.py << 'END'
import os, pty, select, sys, termios, time
master, slave = pty.openpty()
print(os.ttyname(slave), flush=True)
sys.stdin.readline()  # it is being served
def until(text):
    heard = b""
    end = time.time() + 60
    while text not in heard and time.time() < end:
        if select.select([master], [], [], 1)[0]:
            heard += os.read(master, 4096)
    assert text in heard, heard
    return heard
os.write(master, b"\r")
until(b"ids> ")
os.write(master, b"gueXX\x7f\x7fsts\r")
until(b"\r\nalert\r\n\r\nids> ")
os.write(master, b"plist other\r")
until(b"error: there is no guest 'other'")
os.write(master, b"watch\r")
until(b"watch --for 1m")
os.write(master, b"quit\rguests --json\r")   # hangs up, and is back
until(b'"guest":"g"')
print("well", flush=True)
END
mkfifo go
python3 serial.py < go > serial.out 2>&1 &
serial=$!
exec 7> go
for _ in $(seq 100); do [ -s serial.out ] && break; sleep 0.1; done
start 1 --listen "serial:$(head -n 1 serial.out)?speed=9600"
echo >&7
exec 7>&-
wait "$serial" || bad "the serial line: $(cat serial.out)"
same 'a serial line' well "$(tail -n 1 serial.out)"
stop

# the page, and what it asks for
start 1 --http 127.0.0.1:0 --every 100ms
wait_for ALERT alerts
check 'page and JSON' python3 - "$(cat places)" << 'END'
import http.client, json, sys, urllib.error, urllib.request
base = sys.argv[1]
def get(path, **headers):
    return urllib.request.urlopen(urllib.request.Request(base + path, headers=headers), timeout=60)
def refused(path, status, **headers):
    try:
        get(path, **headers)
        raise AssertionError(path)
    except urllib.error.HTTPError as e:
        assert e.code == status, (path, e.code)
with get("") as page:
    text = page.read().decode()
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy, policy
    assert page.headers["Content-Type"].startswith("text/html")
    assert "http://" not in text and "https://" not in text and "src=" not in text
    assert "innerHTML" not in text
guests = json.load(get("api/guests"))["guests"]
assert [(g["guest"], g["state"], g["alerts"]) for g in guests] == [("g", "away", 1)], guests
alerts = json.load(get("api/alerts"))["alerts"]
assert len(alerts) == 1 and alerts[0]["kind"] == "away" and not alerts[0]["ended"], alerts
processes = json.load(get("api/processes?guest=g"))
assert processes["processes"] == [] and "missing.ram" in processes["problem"], processes
refused("api/processes?guest=other", 404)
refused("api/processes?guest=g%20--json", 404)
refused("nothing", 404)
refused("api/guests", 421, Host="evil.example")
get("api/guests", Host="localhost:1")
get("api/guests", Host="[::1]:1")
END
stop

# alerts to who listens, who may be late
cat > receive.py << 'END'
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
client, _ = server.accept()
with open("received", "wb", buffering=0) as out:
    while True:
        got = client.recv(65536)
        if not got:
            break
        out.write(got)
END
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
: > received
start 0 --every 100ms --alert "tcp://127.0.0.1:$port"
wait_for 'cannot deliver alerts to tcp://127.0.0.1' server.err
python3 receive.py "$port" &
receiver=$!
wait_for missing.ram received
stop
wait "$receiver" && ok

# what is found is recorded: of a guest that is not there, nothing
start 1 --listen tcp://127.0.0.1:0 --record cbor:found.rec
stop
exits 0 "$bin/shoal-record" show found.rec --summary
check 'an empty recording' grep -q '^records *0$' out

# a file of the build is read at the start: that it goes before there is a guest changes nothing
echo 'ffffffff82000000 D linux_banner' > build.map
echo 'ffffffff82000100 D linux_proc_banner' >> build.map
start 1 --listen "unix:$work/ids sock" --system-map build.map --every 300ms
rm build.map
head -c 65536 /dev/zero > missing.ram
place=$(cat places)
for _ in $(seq 100); do
  say "$place" 'guests\nquit\n'
  ! grep -q 'no kernel' said || break
  sleep 0.1
done
check 'the guest was looked at' grep -q 'no kernel that can be read in missing.ram' said
stop
rm missing.ram

# mistakes
mistake 2 --guest "$ids" serve
mistake 2 'name' "$ids" serve --guest a=x --guest a=y
mistake 2 "no guest" "$ids" serve --guest 'a b=x'
mistake 2 'nowhere to listen' "$ids" serve --guest x --listen udp://127.0.0.1:1
mistake 2 'nowhere to listen' "$ids" serve --guest x --listen unix:
mistake 2 'no address' "$ids" serve --guest x --listen tcp://127.0.0.1:port
mistake 2 certificate "$ids" serve --guest x --listen tls://127.0.0.1:0
mistake 1 missing.pem "$ids" serve --guest x --listen tls://127.0.0.1:0 --certificate missing.pem
mistake 1 server.pem "$ids" serve --guest x --listen tls://127.0.0.1:0 --certificate server.pem --key client.key
mistake 1 missing.pem "$ids" serve --guest x --listen tls://127.0.0.1:0 --certificate both.pem --trust missing.pem
mistake 1 /no/folder "$ids" serve --guest x --listen unix:/no/folder/socket
mistake 1 /dev/null "$ids" serve --guest x --listen serial:/dev/null
mistake 1 /no/such/tty "$ids" serve --guest x --listen serial:/no/such/tty
mistake 2 'speed' "$ids" serve --guest x --listen 'serial:/dev/null?speed=12'
mistake 2 --http "$ids" serve --guest x --http nowhere
mistake 2 --every "$ids" serve --guest x --every 0s
mistake 2 'nowhere to send' "$ids" serve --guest x --alert mail:me
mistake 1 /no/folder "$ids" serve --guest x --alert cbor:/no/folder/file
mistake 2 'nowhere to record' "$ids" serve --guest x --record mail:me
mistake 1 /no/folder "$ids" serve --guest x --record cbor:/no/folder/file
mistake 1 missing.map "$ids" serve --guest x --system-map missing.map
mistake 1 missing.pem "$ids" serve --guest x --alert tls://127.0.0.1:1 --alert-trust missing.pem
start 1 --listen tcp://127.0.0.1:0
mistake 1 "$(cat places)" "$ids" serve --guest x --listen "$(cat places)"
mistake 1 "$(sed 's,tcp://,,' places)" "$ids" serve --guest x --http "$(sed 's,tcp://,,' places)"
stop

finish
