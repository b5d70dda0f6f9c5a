# SPDX-License-Identifier: BSL-1.0
#
# mistakes_nbd.sh BIN_DIR: what people get wrong with shoal-nbd. Each message says what, to what, and what to do next; exit
# code 1 for what failed, 2 for a command line that cannot work.
. "$(dirname "$0")/lib/check.sh"
need openssl python3 nbdinfo

noise 300000 > disk.img
mkdir folder
mkfifo fifo
cid=$("$image" import disk.img --store car:disk.car --quiet)
unknown=bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e

# command lines
mistake 2 'nothing to export' "$nbd"
mistake 2 disk.img "$nbd" disk.img
mistake 2 --no-such-option "$nbd" --memory 1M --no-such-option
mistake 2 --memory "$nbd" --file disk.img --memory 1M
mistake 2 --store "$nbd" --image "$cid"
mistake 2 --image "$nbd" --store car:disk.car
mistake 2 --image "$nbd" --store car:disk.car --memory 1M
for size in 0 x 1X -5 1.00001K 99999999999999999999; do
  mistake 2 "'$size'" "$nbd" "--memory=$size" --port 0
  mistake 2 "'$size'" "$nbd" --export "a=memory:$size" --port 0
done
mistake 2 lots "$nbd" --memory 1M --cache lots
mistake 2 twice "$nbd" --export twice=memory:1M --export twice=memory:2M --port 0
mistake 2 noequals "$nbd" --export noequals --port 0
mistake 2 nothing= "$nbd" --export nothing= --port 0
mistake 2 tape:0 "$nbd" --export a=tape:0 --port 0
mistake 2 image: "$nbd" --export "a=image:$cid" --port 0
mistake 2 70000 "$nbd" --memory 1M --port 70000
mistake 2 http "$nbd" --memory 1M --port http
mistake 2 'too long' "$nbd" --export "$(printf 'x%.0s' $(seq 5000))=memory:1M" --port 0
# a variable of a script that is not set must not open the server to the network
for option in --unix --trace --bind --cache --file --store; do
  mistake 2 "$option: is empty" "$nbd" --memory 1M "$option" ''
done

# files
for options in '' --readonly --overlay; do
  # shellcheck disable=SC2086 # an option
  {
    mistake 1 missing.img "$nbd" --file missing.img --port 0 $options
    mistake 1 folder "$nbd" --file folder --port 0 $options
    mistake 1 fifo "$nbd" --file fifo --port 0 $options
    mistake 1 disk.img/part "$nbd" --file disk.img/part --port 0 $options
  }
done

# images and stores
mistake 1 "$unknown" "$nbd" --image "$unknown" --store car:disk.car --port 0
mistake 2 bafynonsense "$nbd" --image bafynonsense --store car:disk.car --port 0
mistake 1 car:missing.car "$nbd" --image "$cid" --store car:missing.car --port 0
mistake 1 flatfs:missing "$nbd" --image "$cid" --store flatfs:missing --port 0
mistake 1 flatfs:folder "$nbd" --image "$cid" --store flatfs:folder --port 0
mistake 1 car:disk.img "$nbd" --image "$cid" --store car:disk.img --port 0
mistake 1 ref:disk.car "$nbd" --image "$cid" --store ref:disk.car --port 0
mistake 2 "'disk.car'" "$nbd" --image "$cid" --store disk.car --port 0
mistake 1 car:missing.car "$nbd" --export "a=image:$cid?store=car:missing.car" --port 0

# exports of other servers
for place in nbd: nbd:///x nbd://host:99999/ nbd+unix:///x 'nbd+unix:///x?socket=' nbds://h/%zz; do
  mistake 2 "'$place'" "$nbd" --export "a=$place" --port 0
done
mistake 1 nbd://127.0.0.1:1/x "$nbd" --export a=nbd://127.0.0.1:1/x --port 0
says 'start the server'
mistake 1 missing.sock "$nbd" --export "a=nbd+unix:///x?socket=$work/missing.sock" --port 0
says 'path of its socket'
mistake 1 nowhere.invalid "$nbd" --export a=nbd://nowhere.invalid/x --port 0
mistake 1 not-there/ca-cert.pem "$nbd" --export "a=nbds://127.0.0.1:1/?tls-certificates=not-there" --port 0
mistake 1 107 "$nbd" --export "a=nbd+unix:///?socket=$(printf 'x%.0s' $(seq 120))" --port 0
start_server --export "here=memory:1M" --unix "$work/upstream"
mistake 1 "no export 'there'" "$nbd" --export "a=nbd+unix:///there?socket=$work/upstream" --port 0
says nbdinfo
mistake 1 'has no TLS' "$nbd" --export "a=nbds+unix:///here?socket=$work/upstream" --port 0
stop_server

# addresses and sockets
start_server --memory 1M --port 0
port=${uri##*:}
mistake 1 "port ${port%/}" "$nbd" --memory 1M --port "${port%/}"
says --port
stop_server
mistake 1 nowhere.invalid "$nbd" --memory 1M --bind nowhere.invalid --port 0
says 'no such address'
mistake 1 192.0.2.1 "$nbd" --memory 1M --bind 192.0.2.1 --port 0
start_server --memory 1M --unix busy
mistake 1 busy "$nbd" --memory 1M --unix busy
check 'the socket of the other server is still there' [ -S busy ]
stop_server
mistake 1 disk.img "$nbd" --memory 1M --unix disk.img
check 'a file is no socket to be replaced' [ "$(stat -c %s disk.img)" = 300000 ]
mistake 1 folder "$nbd" --memory 1M --unix folder
mistake 1 nowhere/socket "$nbd" --memory 1M --unix nowhere/socket
long=$(printf 'x%.0s' $(seq 120))
mistake 1 107 "$nbd" --memory 1M --unix "$long"
mistake 1 'service manager' env LISTEN_FDS=two sh -c 'LISTEN_PID=$$ exec "$@"' sh "$nbd" --memory 1M
start_server --memory 1M --unix 'odd;&name +%'
check 'the URI of a socket with an odd name is one that clients understand' nbdinfo "$uri"
stop_server

# a file that another server writes: allowed, and warned of
start_server --file disk.img --port 0
first=$server
start_server --file disk.img --port 0
cp server.err err
says warning disk.img
stop_server
kill "$first"
code=0
wait "$first" || code=$?
same 'exit code of the first server' 0 "$code"

# traces
mistake 1 nowhere/trace.csv "$nbd" --memory 1M --port 0 --trace nowhere/trace.csv
mistake 1 folder "$nbd" --memory 1M --port 0 --trace folder

finish
