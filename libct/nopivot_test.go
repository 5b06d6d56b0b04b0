package libct

import (
	"slices"
	"testing"
)

func TestKernelMountsOf(t *testing.T) {
	table := `22 27 0:21 / /proc rw,relatime shared:1 - proc proc rw
23 27 0:22 / /sys rw - sysfs sysfs rw
24 22 0:21 /sys /proc/sys ro - proc proc rw
25 27 0:23 / /mnt/a\040b rw - proc none rw
26 27 0:24 / /b/rootfs/proc rw - proc none rw
27 1 254:0 / / rw - ext4 /dev/vda rw
`
	got := kernelMountsOf(table, "/b/rootfs")
	if want := []string{"/proc", "/sys", "/mnt/a b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
