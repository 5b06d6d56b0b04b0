package cgroup

import "fmt"

func hugetlbField(r *resources) (field string, any bool) {
	if len(r.HugepageLimits) == 0 {
		return "", false
	}
	return "hugepageLimits", true
}

func applyHugetlbV1(d *dir, r *resources) error { return applyHugetlb(d, r, "limit_in_bytes") }
func applyHugetlbV2(d *dir, r *resources) error { return applyHugetlb(d, r, "max") }

// applyHugetlb limits use and, where the kernel can (since Linux 5.7),
// reservation, so that a process fails at mmap instead of dying by SIGBUS
// (runtime-spec config-linux.md#huge-page-limits).
func applyHugetlb(d *dir, r *resources, suffix string) error {
	for _, l := range r.HugepageLimits {
		if !isPageSize(l.Pagesize) {
			return fmt.Errorf("hugepageLimits: invalid page size %q", l.Pagesize)
		}
		prefix := "hugetlb." + l.Pagesize + "."
		if err := writeUint(d.path, prefix+suffix, l.Limit); err != nil {
			return err
		}
		if err := writeUint(d.path, prefix+"rsvd."+suffix, l.Limit); err != nil && !absent(err) {
			return err
		}
	}
	return nil
}

// isPageSize accepts "64KB", "2MB", "1GB": the value becomes part of a path.
func isPageSize(s string) bool {
	if len(s) < 3 || s[len(s)-1] != 'B' {
		return false
	}
	if unit := s[len(s)-2]; unit != 'K' && unit != 'M' && unit != 'G' {
		return false
	}
	for _, c := range []byte(s[:len(s)-2]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func hugetlbFilesV1(r *resources) []string { return hugetlbFiles(r, "limit_in_bytes") }
func hugetlbFilesV2(r *resources) []string { return hugetlbFiles(r, "max") }

func hugetlbFiles(r *resources, suffix string) []string {
	var files []string
	for _, l := range r.HugepageLimits {
		if isPageSize(l.Pagesize) {
			files = append(files, "hugetlb."+l.Pagesize+"."+suffix, "hugetlb."+l.Pagesize+".rsvd."+suffix)
		}
	}
	return files
}
