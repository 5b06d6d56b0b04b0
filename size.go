package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// parseBytes reads a number of bytes as runc: with a fraction, a blank and one
// of k, m, g, t, p (of 1024, in any case, also as kb and kib) if wanted. -1 is no
// limit.
func parseBytes(text string) (int64, error) {
	if text == "-1" {
		return -1, nil
	}
	last := strings.LastIndexAny(text, "0123456789. ")
	if last < 0 {
		return 0, fmt.Errorf("invalid size: '%s'", text)
	}
	number, suffix := strings.TrimSuffix(text[:last+1], " "), text[last+1:]
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, err
	}
	unit, ok := unitOf(strings.ToLower(suffix))
	switch n *= unit; {
	case n < 0 || math.IsNaN(n):
		return 0, fmt.Errorf("invalid size: '%s'", text)
	case !ok:
		return 0, fmt.Errorf("invalid suffix: '%s'", suffix)
	case n >= 1<<63:
		return 0, fmt.Errorf("invalid size: '%s'", text)
	}
	return int64(n), nil
}

// unitOf is the factor of a suffix in lower case.
func unitOf(suffix string) (float64, bool) {
	if suffix == "" || suffix == "b" {
		return 1, true
	}
	power := strings.IndexByte("kmgtp", suffix[0])
	rest := suffix[1:]
	if power < 0 || rest != "" && rest != "b" && rest != "ib" {
		return 1, false
	}
	return math.Pow(1024, float64(power+1)), true
}

// number is what a flag's value is parsed to.
type number interface{ int64 | uint64 }

// flagNumber sets *to from the value of a flag that is given, in runc's words
// when it is no number.
func flagNumber[T number](name, value string, parse func(string) (T, error), to **T) error {
	if value == "" {
		return nil
	}
	n, err := parse(value)
	if err != nil {
		return fmt.Errorf("invalid value for %s: %w", name, err)
	}
	*to = &n
	return nil
}

func parseInt(text string) (int64, error)   { return strconv.ParseInt(text, 10, 64) }
func parseUint(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) }

// weight reads one that must fit into 16 bits; 0 is "not given".
func weight(n int) (*uint16, error) {
	if n < 0 || n > math.MaxUint16 {
		return nil, errors.New("invalid value for blkio-weight: must be from 10 to 1000, have " + strconv.Itoa(n))
	}
	w := uint16(n)
	return &w, nil
}
