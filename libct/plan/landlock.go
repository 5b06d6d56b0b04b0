package plan

import "strconv"

// The calls of landlock(7), since Linux 5.13. Rights are LANDLOCK_ACCESS_* bits.

// LandlockCreateRuleset is landlock_create_ruleset(attr, size, 0): a ruleset that
// forbids the rights but for its rules. Kernels that do not know the later
// members take them if they are zero.
func LandlockCreateRuleset(fs, net, scoped uint64) Op {
	attr := Le64(Le64(Le64(nil, fs), net), scoped)
	text := "{handled_access_fs=" + landlockFS.Text(fs)
	if net != 0 {
		text += ", handled_access_net=" + landlockNet.Text(net)
	}
	if scoped != 0 {
		text += ", scoped=" + landlockScopes.Text(scoped)
	}
	return op(sysLandlockCreateRuleset, B(attr, text+"}"), N(len(attr)), N(0))
}

// LandlockPathBeneath is landlock_add_rule(ruleset, LANDLOCK_RULE_PATH_BENEATH,
// {allowed, parent}, 0). The structure holds a descriptor's number, so parent
// must be an input; DupOnto puts the directory or file there.
func LandlockPathBeneath(ruleset Slot, allowed uint64, parent Slot) Op {
	// Packed in the kernel's header; the patch is four bytes longer.
	attr := Le64(Le64(nil, allowed), 0)
	arg := B(attr, "{allowed_access="+landlockFS.Text(allowed)+", parent_fd=slot "+strconv.Itoa(int(parent))+"}")
	arg.Patch = &Patch{Slot: parent, Offset: 8}
	return op(sysLandlockAddRule, V(ruleset), F(1, &landlockRules), arg, N(0))
}

// LandlockNetPort is landlock_add_rule(ruleset, LANDLOCK_RULE_NET_PORT,
// {allowed, port}, 0), since Linux 6.7.
func LandlockNetPort(ruleset Slot, allowed uint64, port uint16) Op {
	attr := Le64(Le64(nil, allowed), uint64(port))
	return op(sysLandlockAddRule, V(ruleset), F(2, &landlockRules),
		B(attr, "{allowed_access="+landlockNet.Text(allowed)+", port="+strconv.Itoa(int(port))+"}"), N(0))
}

// LandlockRestrictSelf is landlock_restrict_self(ruleset, 0). It wants
// CAP_SYS_ADMIN in the thread's user namespace, or no_new_privs.
func LandlockRestrictSelf(ruleset Slot) Op { return op(sysLandlockRestrictSelf, V(ruleset), N(0)) }

// DupOnto is dup3(from, onto, O_CLOEXEC), which closes what onto was.
func DupOnto(from, onto Slot) Op {
	return op(sysDup3, V(from), V(onto), F(0x80000, &openFlags))
}

var landlockRules = FlagSet{Exact: true, Names: []FlagName{{1, "LANDLOCK_RULE_PATH_BENEATH"}, {2, "LANDLOCK_RULE_NET_PORT"}}}

var landlockFS = FlagSet{Names: []FlagName{
	{1 << 0, "LANDLOCK_ACCESS_FS_EXECUTE"}, {1 << 1, "LANDLOCK_ACCESS_FS_WRITE_FILE"},
	{1 << 2, "LANDLOCK_ACCESS_FS_READ_FILE"}, {1 << 3, "LANDLOCK_ACCESS_FS_READ_DIR"},
	{1 << 4, "LANDLOCK_ACCESS_FS_REMOVE_DIR"}, {1 << 5, "LANDLOCK_ACCESS_FS_REMOVE_FILE"},
	{1 << 6, "LANDLOCK_ACCESS_FS_MAKE_CHAR"}, {1 << 7, "LANDLOCK_ACCESS_FS_MAKE_DIR"},
	{1 << 8, "LANDLOCK_ACCESS_FS_MAKE_REG"}, {1 << 9, "LANDLOCK_ACCESS_FS_MAKE_SOCK"},
	{1 << 10, "LANDLOCK_ACCESS_FS_MAKE_FIFO"}, {1 << 11, "LANDLOCK_ACCESS_FS_MAKE_BLOCK"},
	{1 << 12, "LANDLOCK_ACCESS_FS_MAKE_SYM"}, {1 << 13, "LANDLOCK_ACCESS_FS_REFER"},
	{1 << 14, "LANDLOCK_ACCESS_FS_TRUNCATE"}, {1 << 15, "LANDLOCK_ACCESS_FS_IOCTL_DEV"},
}}

var landlockNet = FlagSet{Names: []FlagName{
	{1, "LANDLOCK_ACCESS_NET_BIND_TCP"}, {2, "LANDLOCK_ACCESS_NET_CONNECT_TCP"},
}}

var landlockScopes = FlagSet{Names: []FlagName{
	{1, "LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET"}, {2, "LANDLOCK_SCOPE_SIGNAL"},
}}
