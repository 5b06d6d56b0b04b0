package seccomp

import (
	"cmp"
	"errors"
	"slices"
)

// settle reduces the rules of one system call, in the profile's order, to
// those that count, in the order in which they are tried; the first whose
// conditions hold decides. The order is libseccomp's: an unconditional rule
// silences all others, whatever stands before it or behind it. Among
// conditional rules with several actions, greater argument indices go first,
// then equalities, upper bounds, lower bounds, then the narrower bound or
// greater value.
func settle(rules []rule) ([]rule, error) {
	for i := range rules {
		if len(rules[i].conds) == 0 {
			return rules[i : i+1], nil
		}
	}
	if len(rules) == 1 {
		return rules, nil
	}
	kept, err := distinct(rules)
	if err != nil {
		return nil, err
	}
	for i := range kept {
		if kept[i].action != kept[0].action {
			slices.SortStableFunc(kept, byPrecedence)
			break
		}
	}
	return kept, nil
}

// distinct drops repetitions. It refuses what libseccomp refuses as EEXIST: one
// set of conditions with two actions, and a rule that hides an earlier one with
// another action, because it needs only the first of that one's conditions.
func distinct(rules []rule) ([]rule, error) {
	first := make(map[string]int, len(rules)) // conditions → place in rules
	kept := make([]rule, 0, len(rules))
	var key []byte
	for i, r := range rules {
		key = appendConds(key[:0], r.conds)
		if j, ok := first[string(key)]; ok {
			if rules[j].action != r.action {
				return nil, errors.New("two rules have the same conditions and different actions")
			}
			continue
		}
		first[string(key)] = i
		kept = append(kept, r)
	}
	for i, r := range rules {
		for m := 1; m < len(r.conds); m++ {
			key = appendConds(key[:0], r.conds[:m])
			if j, ok := first[string(key)]; ok && j > i && rules[j].action != r.action {
				return nil, errors.New("a rule hides an earlier one that has more conditions and a different action")
			}
		}
	}
	return kept, nil
}

func appendConds(b []byte, conds []cond) []byte {
	for _, c := range conds {
		b = append(b, c.arg, byte(c.op))
		b = le64(le64(b, c.value), c.mask)
	}
	return b
}

func byPrecedence(a, b rule) int {
	for i := range min(len(a.conds), len(b.conds)) {
		x, y := a.conds[i], b.conds[i]
		order := cmp.Or(cmp.Compare(y.arg, x.arg), cmp.Compare(x.op.class(), y.op.class()))
		if order == 0 {
			order = cmp.Compare(y.value, x.value)
			if x.op == opLT || x.op == opLE {
				order = -order
			}
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(len(a.conds), len(b.conds))
}

// class ranks operators: equalities, upper bounds, lower bounds.
func (o op) class() int {
	switch o {
	case opLE, opLT:
		return 1
	case opGE, opGT:
		return 2
	}
	return 0
}
