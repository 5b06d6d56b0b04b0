package cgroup

import (
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func rdmaField(r *resources) (field string, any bool) {
	if len(r.Rdma) == 0 {
		return "", false
	}
	return "rdma", true
}

// applyRdma writes rdma.max, the same in v1 and v2 (cgroup-v1/rdma.rst).
func applyRdma(d *dir, r *resources) error {
	for device, l := range r.Rdma {
		if l.HcaHandles == nil && l.HcaObjects == nil {
			continue
		}
		if err := writeFile(d.path, "rdma.max", rdmaMax(device, l)); err != nil {
			return err
		}
	}
	return nil
}

func rdmaMax(device string, l specs.LinuxRdma) string {
	if l.HcaHandles != nil {
		device += " hca_handle=" + strconv.FormatUint(uint64(*l.HcaHandles), 10)
	}
	if l.HcaObjects != nil {
		device += " hca_object=" + strconv.FormatUint(uint64(*l.HcaObjects), 10)
	}
	return device
}

func rdmaFiles(*resources) []string { return []string{"rdma.max"} }
