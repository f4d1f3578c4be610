#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The functions of userspace/quota/lua in a real Redis: against their model in C, call
# by call; three nodes with one limit; and what they refuse.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/redis.sh
bin=${SL_BUILD:-build}/bin

finish() {
	local code=$?

	redis_end
	(exit "$code")
	netns_end
}
trap finish EXIT
redis_begin && start_redis one || exit 1
port=${redis_port[one]}

for seed in 1 2 3 4; do
	check "4,000 random calls of seed $seed: Redis and the model agree" \
		timeout 120 "$bin/quota_store" "$port" "$seed" 4000
done
seed=$((RANDOM * 32768 + RANDOM))
check "4,000 random calls of seed $seed: Redis and the model agree" \
	timeout 120 "$bin/quota_store" "$port" "$seed" 4000

timeout 60 "$bin/quota_split" "$port" || sl_failed=$((sl_failed + 1))

# redis_says WHAT REPLY: WHAT begins an error; OK: there is a reply, and it is none
redis_says() {
	case $1 in
	OK) [[ -n "$2" && ! "$2" =~ ^(ERR|QUOTA|\(error\)) ]] ;;
	*) [[ "$2" == "$1"* ]] ;;
	esac
}

redis_ends() {
	local ms

	redis one FCALL quota_renew 1 'q:{b1}:t:p' 1 node 1 5 5 0 5 5000 >/dev/null
	ms=$(redis one PTTL 'q:{b1}:t:p')
	[ "$ms" -gt 86300000 ] && [ "$ms" -le 86400000 ]
}

# The text as it is, under Redis's own clock.
redis one FUNCTION FLUSH >/dev/null
check_equal "the library loads" "$(cat userspace/quota/lua/*.lua | redis one -x FUNCTION LOAD)" sluice_quota
check "terms are taken" redis_says OK "$(redis one FCALL quota_terms 1 'q:{b1}:t:p' 1 \
	1 1000000 500000 1000 1000000 1000000 0 100 1000000 1000000 5000 1000 1 0 0 | tr -d '\0')"

# refused NAME FUNCTION ARGUMENTS...: by an error of ours, and nothing is written
refused() {
	local name=$1 before said

	shift
	before=$(redis one HGETALL 'q:{b1}:t:p' | cksum)
	said=$(redis one FCALL "$@")
	check "refused: $name" redis_says QUOTA "$said" &&
		check_equal "and wrote nothing: $name" "$(redis one HGETALL 'q:{b1}:t:p' | cksum)" "$before"
}

key='q:{b1}:t:p'
refused "no keys" quota_renew 0 1 node 1
refused "too few arguments" quota_renew 1 "$key" 1 node 1 5 5 5
refused "too many arguments" quota_renew 1 "$key" 1 node 1 5 5 5 5 5000 5 5
refused "a safe share that is none" quota_renew 1 "$key" 1 node 1 5 5 5 5 5000 -5
refused "not a number" quota_renew 1 "$key" 1 node 1 nan 5 5 5 5000
refused "infinity" quota_renew 1 "$key" 1 node 1 5 inf 5 5 5000
refused "a fraction" quota_renew 1 "$key" 1 node 1 5 5 5.5 5 5000
refused "a negative number" quota_renew 1 "$key" 1 node 1 5 5 5 -5 5000
refused "over 2^53" quota_renew 1 "$key" 1 node 1 5 5 9007199254740993 5 5000
refused "a time to live of an hour" quota_renew 1 "$key" 1 node 1 5 5 5 5 3600000
refused "no node" quota_renew 1 "$key" 1 '' 1 5 5 5 5 5000
refused "a long node" quota_renew 1 "$key" 1 "$(printf '%065d' 0)" 1 5 5 5 5 5000
refused "words that are cut" quota_renew 1 "$key" 1 node 1 "$(printf '%047d' 0)"
refused "a word over 2^53" quota_renew 1 "$key" 1 node 1 "$(printf '%048d' 0)"
refused "words for a charge" quota_central 1 "$key" 1 node 1 a b c
refused "terms out of range" quota_terms 1 "$key" 1 9 0 1 1 1 1 1 1 1 1 1 1 1 1 1
refused "a token that is none" quota_share 1 "$key" 1 x 5
refused "no lock" quota_lead 0 1 node
check "a show writes nothing, on a replica either" redis_says OK "$(redis one FCALL_RO quota_show 1 "$key" 1 1 | tr -d '\0')"
check "a renewal sets the key's end to a day" redis_ends
