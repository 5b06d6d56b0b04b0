package cgroup

import "strconv"

func classIDField(r *resources) (field string, any bool) {
	if r.Network == nil || !set(r.Network.ClassID) {
		return "", false
	}
	return "network.classID", true
}

// applyClassID writes net_cls.classid (v1 only).
func applyClassID(d *dir, r *resources) error {
	return writeUint(d.path, "net_cls.classid", uint64(*r.Network.ClassID))
}

func prioritiesField(r *resources) (field string, any bool) {
	if r.Network == nil || len(r.Network.Priorities) == 0 {
		return "", false
	}
	return "network.priorities", true
}

// applyPriorities writes net_prio.ifpriomap (v1 only).
func applyPriorities(d *dir, r *resources) error {
	for _, p := range r.Network.Priorities {
		value := p.Name + " " + strconv.FormatUint(uint64(p.Priority), 10)
		if err := writeFile(d.path, "net_prio.ifpriomap", value); err != nil {
			return err
		}
	}
	return nil
}

func classIDFiles(*resources) []string { return []string{"net_cls.classid"} }

func prioritiesFiles(*resources) []string { return []string{"net_prio.ifpriomap"} }
