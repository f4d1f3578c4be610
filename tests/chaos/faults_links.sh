# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # shared with world_quota.sh
# Faults between nodes and the store: cut off, lossy, and a TCP proxy that misbehaves.

cut=3 # the node that is cut off

# drop NODE RULE...: in its namespace, both ways, each with a counter
drop() {
	local name=node$1

	shift
	in_ns "$name" nft -f - <<-NFT
		table inet chaos {
			chain out {
				type filter hook output priority 0;
				ip daddr 10.50.0.1 counter
				ip daddr 10.50.0.1 $1 counter drop
			}
			chain in {
				type filter hook input priority 0;
				ip saddr 10.50.0.1 counter
				ip saddr 10.50.0.1 $2 counter drop
			}
		}
	NFT
}

drop_no_more() {
	in_ns "node$1" nft delete table inet chaos
}

# dropped NODE: packets dropped, and all that were there
dropped() {
	in_ns "node$1" nft list table inet chaos | awk '/counter packets/ {
		for (i = 1; i < NF; i++)
			if ($i == "packets")
				n = $(i + 1)
		if (/drop/) dropped += n; else all += n
	} END { print dropped + 0, all + 0 }'
}

drops() {
	[ "$(dropped "$1" | cut -d ' ' -f 1)" -ge "$2" ]
}

others_fine() {
	redis_says ok 1 2 && nats_says connected 1 2
}

all_fine() {
	redis_says ok "${nodes[@]}" && nats_says connected "${nodes[@]}"
}

# ---- one node is cut off -------------------------------------------------------------------------

inject_partition_redis() {
	drop $cut "tcp dport ${redis_port[one]}" "tcp sport ${redis_port[one]}"
}

injected_partition_redis() {
	wait_for 10 redis_says down $cut && others_fine && nats_says connected $cut && drops $cut 2 &&
		echo "node$cut says Redis is down and NATS is not; the others miss nothing; dropped: $(dropped $cut | cut -d ' ' -f 1)"
}

heal_partition_redis() {
	drop_no_more $cut
}

healed_partition_redis() {
	wait_for 30 all_fine && echo "all agents say that Redis and NATS are ok"
}

inject_partition_nats() {
	drop $cut "tcp dport 4222" "tcp sport 4222"
}

injected_partition_nats() {
	wait_for 60 nats_is_lost $cut && others_fine && redis_says ok $cut && drops $cut 2 &&
		echo "node$cut says NATS is lost and Redis is not; the others miss nothing; dropped: $(dropped $cut | cut -d ' ' -f 1)"
}

nats_is_lost() {
	! nats_says connected "$1"
}

heal_partition_nats() {
	drop_no_more $cut
}

healed_partition_nats() {
	healed_partition_redis
}

inject_partition_both() {
	drop $cut "" ""
}

injected_partition_both() {
	wait_for 10 redis_says down $cut && wait_for 60 nats_is_lost $cut && others_fine && drops $cut 4 &&
		echo "node$cut says that both are lost; the others miss nothing; dropped: $(dropped $cut | cut -d ' ' -f 1)"
}

heal_partition_both() {
	drop_no_more $cut
}

healed_partition_both() {
	healed_partition_redis
}

# ---- loss -------------------------------------------------------------------------------------------

inject_loss() {
	local n

	for n in "${nodes[@]}"; do
		drop "$n" "numgen random mod 100 < 30" "numgen random mod 100 < 30" || return 1
	done
}

injected_loss() {
	local n

	for n in "${nodes[@]}"; do
		wait_for 30 drops "$n" 20 || return 1
	done
	for n in "${nodes[@]}"; do
		echo "node$n: $(dropped "$n" | awk '{ print $1 " of " $2 " packets dropped" }');"
	done
}

heal_loss() {
	local n

	for n in "${nodes[@]}"; do
		drop_no_more "$n" || return 1
	done
}

healed_loss() {
	healed_partition_redis
}

# ---- the proxy --------------------------------------------------------------------------------------

# A proxy on each node, between its agent and both Redis and NATS.
servers_proxied() {
	local n

	servers_alone || return 1
	for n in "${nodes[@]}"; do
		proxy_begin "node$n" "node$n" "$n" "127.0.0.1:6379=$(quota_redis one)" \
			127.0.0.1:4222=10.50.0.1:4222 || return 1
	done
	redis_at='addresses: "127.0.0.1:6379"'
	nats_at=127.0.0.1:4222
}

# Sentinel and Cluster tell where others are, so a proxy stands at each address that they tell:
# 10.50.0.1 is here the node's own, and what is said to it goes on to the store's second address.
proxies_at_announced() {
	local n name pairs

	for n in "${nodes[@]}"; do
		ip -n "$(ns "node$n")" route add 10.50.0.2/32 via "10.$((100 + n)).0.1" &&
			ip -n "$(ns "node$n")" address add 10.50.0.1/32 dev lo || return 1
		pairs=(10.50.0.1:4222=10.50.0.2:4222)
		for name in "${!redis_port[@]}"; do
			pairs+=("10.50.0.1:${redis_port[$name]}=10.50.0.2:${redis_port[$name]}")
		done
		proxy_begin "node$n" "node$n" "$n" "${pairs[@]}" || return 1
	done
}

second_address() {
	redis_also=10.50.0.2
	ip -n "$(ns store)" address add 10.50.0.2/32 dev lo
}

servers_sentinel_announced() {
	second_address && servers_sentinel && proxies_at_announced
}

servers_cluster_announced() {
	second_address && servers_cluster && proxies_at_announced
}

# timeouts LEAST: so many questions to Redis ended by their deadline, on all nodes together
timeouts() {
	[ "$(asked timeouts)" -ge "$1" ]
}

inject_proxy_delay() {
	proxies "delay 60 50"
}

injected_proxy_delay() {
	proxied delayed 10
}

heal_proxy_delay() {
	proxies clear
}

healed_proxy_delay() {
	healed_partition_redis
}

inject_proxy_slice() {
	proxies "slice 7" && proxies "delay 1"
}

injected_proxy_slice() {
	proxied sliced 100
}

heal_proxy_slice() {
	proxies clear
}

healed_proxy_slice() {
	healed_partition_redis
}

inject_proxy_stall() {
	proxies "stall 600 30"
}

injected_proxy_stall() {
	proxied stalled 3 && wait_for 20 timeouts 1 && echo "timeouts: $(asked timeouts)"
}

heal_proxy_stall() {
	proxies clear
}

healed_proxy_stall() {
	healed_partition_redis
}

inject_proxy_reset() {
	proxies "reset 20"
}

injected_proxy_reset() {
	proxied resets 3 && echo "agents lost $(asked disconnects) connections"
}

heal_proxy_reset() {
	proxies clear
}

healed_proxy_reset() {
	healed_partition_redis
}

inject_proxy_blackhole() {
	proxies blackhole
}

injected_proxy_blackhole() {
	wait_for 15 redis_says down "${nodes[@]}" && proxied held 1 && echo "all agents say that Redis is down"
}

heal_proxy_blackhole() {
	proxies clear
}

healed_proxy_blackhole() {
	healed_partition_redis
}

# The same between each node and all of a Sentinel's or a cluster's servers.
for store in sentinel cluster; do
	for how in delay slice reset; do
		for phase in inject injected heal healed; do
			eval "${phase}_${store}_$how() { ${phase}_proxy_$how; }"
		done
	done
done

# A cluster's map is large: in pieces of 7 bytes it would not come within a call's deadline.
inject_cluster_slice() {
	proxies "slice 40" && proxies "delay 1"
}
