package compile

import (
	"strconv"

	"golang.org/x/sys/unix"

	"rt/libct/landlock"
	"rt/libct/plan"
)

// SlotBeneath is the name of an input that a plan with rules for paths needs: any
// descriptor. Each path is put in its place, for a rule's structure holds a
// number that must be known before the path is opened. In exec's plan all is
// closed by then, and the number alone is used.
const SlotBeneath = "beneath"

// NeedsBeneath reports whether a plan has the input SlotBeneath.
func NeedsBeneath(in *Input) bool {
	r, _, err := Landlock(in)
	return err == nil && r != nil && len(r.Paths) > 0
}

// Landlock is what the annotations org.rt.landlock.* ask for and the kernel has,
// nil if there is nothing, and what the kernel has not.
func Landlock(in *Input) (r *landlock.Rules, lost []string, err error) {
	if r, err = landlock.Parse(in.Spec.Annotations); r == nil || err != nil {
		return nil, nil, err
	}
	return r.At(in.Facts.Landlock)
}

// landlockRules makes the ruleset, whose rules are for what the paths mean
// inside root once everything is mounted.
func (c *compiler) landlockRules(root plan.Slot) {
	r, _, err := Landlock(c.in)
	if err != nil {
		c.fail(err)
	}
	if r == nil {
		return
	}
	set := c.b.Slot("ruleset")
	c.b.Step("annotations " + landlock.Prefix + "*")
	c.b.Add(plan.LandlockCreateRuleset(uint64(r.HandledFS), uint64(r.HandledNet), uint64(r.Scoped)).To(set))
	for _, p := range r.Paths {
		c.landlockPath(set, root, p)
	}
	for _, p := range r.Ports {
		c.b.Step("landlock TCP port " + strconv.Itoa(int(p.Number)))
		c.b.Add(plan.LandlockNetPort(set, uint64(p.Allowed), p.Number))
	}
}

// landlockPath adds the rule of one path. Which rights it can have depends on
// whether it is a file, which the kernel says: EINVAL.
func (c *compiler) landlockPath(set, root plan.Slot, p landlock.Path) {
	c.b.Step("landlock " + p.Name)
	path, beneath, done := c.b.Slot("path"), c.b.Input(SlotBeneath), c.b.Slot("rule")
	open := plan.Openat2(plan.V(root), inside(p.Name), opath, 0, inRoot).To(path)
	if p.Optional {
		open = open.Or(unix.ENOENT, unix.ENOTDIR)
	}
	c.b.Add(open, plan.DupOnto(path, beneath).If(path), plan.Close(path).If(path))
	rule := plan.LandlockPathBeneath(set, uint64(p.Allowed), beneath).If(path)
	file := p.Allowed & landlock.OnFile
	if file == p.Allowed || file == 0 {
		c.b.Add(rule)
		return
	}
	c.b.Add(rule.To(done).Or(unix.EINVAL), plan.LandlockPathBeneath(set, uint64(file), beneath).IfNot(done))
}

// restrict puts the ruleset in force, for this process and all that come of it.
// It comes while the child still has CAP_SYS_ADMIN in its user namespace, so that
// it needs no no_new_privs, and after the child's last mount and open.
func (c *compiler) restrict() {
	if r, _, err := Landlock(c.in); err != nil || r == nil {
		return
	}
	c.b.Step("annotations " + landlock.Prefix + "*")
	set := c.b.Slot("ruleset")
	c.b.Add(plan.LandlockRestrictSelf(set), plan.Close(set))
}

// landlockInside makes the ruleset for a process that has entered a container.
func (c *compiler) landlockInside() {
	if r, _, err := Landlock(c.in); err == nil && r == nil {
		return
	}
	root := c.b.Slot("inside")
	c.b.Step("annotations " + landlock.Prefix + "*")
	c.b.Add(plan.Openat(plan.Cwd(), "/", opath|unix.O_DIRECTORY, 0).To(root))
	c.landlockRules(root)
	c.b.Add(plan.Close(root))
}
