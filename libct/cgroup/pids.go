package cgroup

import "strconv"

func pidsField(r *resources) (field string, any bool) {
	if r.Pids == nil || r.Pids.Limit == nil {
		return "", false
	}
	if *r.Pids.Limit >= 0 {
		field = "pids.limit"
	}
	return field, true
}

// applyPids writes pids.max, the same in v1 and v2. Below 0 is unlimited.
// 0 is written as 1, as runc and systemd do: with 0 the first process itself
// could not be made by CLONE_INTO_CGROUP, and with 1 it cannot fork either.
func applyPids(d *dir, r *resources) error {
	limit := "max"
	if n := *r.Pids.Limit; n >= 0 {
		limit = strconv.FormatInt(max(n, 1), 10)
	}
	return writeFile(d.path, "pids.max", limit)
}

func pidsFiles(*resources) []string { return []string{"pids.max"} }
