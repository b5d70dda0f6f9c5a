# SPDX-License-Identifier: BSL-1.0
#
# The vectors of IPIP-499: a profile, a text or the seed and size of a stream of noise, and the CID.
need openssl python3
list=${SHOAL_FIXTURES:-}/ipip499_vectors.json
[ -f "$list" ] || skip "no ipip499_vectors.json in SHOAL_FIXTURES='${SHOAL_FIXTURES:-}'"

# vectors small|large STORE...: imports each vector of that size into each store
vectors() {
  kind=$1
  shift
  python3 - "$list" "$kind" > list << 'END'
import json, sys
for vector in json.load(open(sys.argv[1])):
    if ("large" if vector["size"] >= 1 << 30 else "small") == sys.argv[2]:
        source = ["text", vector["text"]] if "text" in vector else ["seed", vector["seed"]]
        print(vector["profile"], vector["size"], vector["cid"], *source)
END
  [ -s list ] || bad "no $kind vectors in $list"
  while read -r profile size cid source value; do
    case $source in
      text) printf %s "$value" > vector ;;
      seed) noise "$size" "$value" > vector ;;
    esac
    same "size of the file of $cid" "$size" "$(stat -c %s vector)"
    for store; do
      same "$profile, $size bytes, $store" "$cid" "$("$image" import vector --profile "$profile" --store "$store" --quiet)"
      rm -rf s.car s.flatfs s.ref
    done
    rm vector
  done < list
}
