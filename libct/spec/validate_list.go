package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxID is the highest cpu and NUMA node that a list may name, as in runc: an
// arbitrary bound, so that a mask stays small.
const MaxID = 64 * 1024

// Range is one element of a List, both ends included.
type Range struct{ First, Last int }

// ParseList reads a list of cpus or NUMA nodes, such as 0-3,5 (cpuset(7), list
// format). Empty elements are passed over; the empty text is the empty list.
func ParseList(text string) ([]Range, error) {
	var list []Range
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		first, okFirst := parseID(low)
		last, okLast := parseID(high)
		switch {
		case !okFirst || !okLast:
			return nil, fmt.Errorf("want a list such as 0-3,5, have %s", quote(part))
		case first > MaxID || last > MaxID:
			return nil, fmt.Errorf("%s goes above %d", quote(part), MaxID)
		case last < first:
			return nil, fmt.Errorf("%s runs backwards", quote(part))
		}
		list = append(list, Range{first, last})
	}
	if text != "" && len(list) == 0 {
		return nil, fmt.Errorf("%s names nothing", quote(text))
	}
	return list, nil
}

// count is how many numbers the ranges hold.
func count(ranges []Range) (n int) {
	for _, r := range ranges {
		n += r.Last - r.First + 1
	}
	return n
}

func parseID(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	return int(n), err == nil
}

func validateList(field, text string) error {
	if _, err := ParseList(text); err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	return nil
}
