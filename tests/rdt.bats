#!/usr/bin/env bats
# rdt: runtime-spec config-linux.md#intelrdt. What needs hardware with resctrl is
# skipped without it.
load lib

resctrl_needed() { grep -q ' - resctrl ' /proc/self/mountinfo || skip "host: no resctrl"; }

@test "Intel RDT on a host without it" {
	newer_than_runc_1_1 "an error where there is no resctrl"
	! grep -q ' - resctrl ' /proc/self/mountinfo || skip "host: has resctrl"
	config '.linux.intelRdt = {closID: "x"}'
	refused run --bundle "$BUNDLE" "$ID"
	has "$(message)" "intelRdt is specified in config, but Intel RDT is not enabled"
	refused state "$ID"
	config '.linux.intelRdt = {}'
	refused create --bundle "$BUNDLE" "$ID"
	has "$(message)" "Intel RDT is not enabled"
}

@test "a closID that is no name" {
	only_rt "a check without resctrl"
	for id in .. . a/b /a ../x info mon_groups; do
		config --arg id "$id" '.linux.intelRdt = {closID: $id}'
		refused run --bundle "$BUNDLE" "$ID"
		has "$(message)" "invalid intelRdt.ClosID \"$id\""
	done
}

@test "schemata of two lines" {
	only_rt "a check of schemata"
	config '.linux.intelRdt = {schemata: ["MB:0=1\nL3:0=f"]}'
	refused run --bundle "$BUNDLE" "$ID"
	has "$(message)" "linux.intelRdt.schemata[0]: must not contain a NUL byte or a newline"
	config '.linux.intelRdt = {memBwSchema: "L3:0=f"}'
	refused run --bundle "$BUNDLE" "$ID"
	has "$(message)" "linux.intelRdt.memBwSchema: does not begin with MB:"
}

@test "a group of the container's own" {
	resctrl_needed
	root=$(awk '$0 ~ / - resctrl / {print $5; exit}' /proc/self/mountinfo)
	config '.linux.intelRdt = {enableMonitoring: true}'
	running
	grep -qx "$(pid_of)" "$root/$ID/tasks"
	grep -qx "$(pid_of)" "$root/$ID/mon_groups/$ID/tasks"
	ok delete --force "$ID"
	[ ! -e "$root/$ID" ]
}
