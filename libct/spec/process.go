package spec

import (
	"rt/libct/jsontext"

	"github.com/opencontainers/runtime-spec/specs-go"
)

var processNames = []string{
	"terminal", "consoleSize", "user", "args", "commandLine", "env", "cwd", "capabilities", "rlimits",
	"noNewPrivileges", "apparmorProfile", "oomScoreAdj", "scheduler", "selinuxLabel", "ioPriority",
	"execCPUAffinity",
}

func process(r *reader, v *specs.Process) error {
	return r.Fields(processNames, func(name string) error {
		switch name {
		case "terminal":
			return jsontext.SetBool(r, &v.Terminal)
		case "consoleSize":
			return jsontext.SetPtr(r, &v.ConsoleSize, box)
		case "user":
			return user(r, &v.User)
		case "args":
			return jsontext.SetSlice(r, &v.Args, jsontext.SetString)
		case "commandLine":
			return jsontext.SetString(r, &v.CommandLine)
		case "env":
			return jsontext.SetSlice(r, &v.Env, jsontext.SetString)
		case "cwd":
			return jsontext.SetString(r, &v.Cwd)
		}
		return privileges(r, v, name)
	})
}

// privileges reads the members of process that say what it may do.
func privileges(r *reader, v *specs.Process, name string) error {
	switch name {
	case "capabilities":
		return jsontext.SetPtr(r, &v.Capabilities, capabilities)
	case "rlimits":
		return jsontext.SetSlice(r, &v.Rlimits, rlimit)
	case "noNewPrivileges":
		return jsontext.SetBool(r, &v.NoNewPrivileges)
	case "apparmorProfile":
		return jsontext.SetString(r, &v.ApparmorProfile)
	case "oomScoreAdj":
		return jsontext.SetPtr(r, &v.OOMScoreAdj, jsontext.SetInt)
	case "scheduler":
		return jsontext.SetPtr(r, &v.Scheduler, scheduler)
	case "selinuxLabel":
		return jsontext.SetString(r, &v.SelinuxLabel)
	case "ioPriority":
		return jsontext.SetPtr(r, &v.IOPriority, ioPriority)
	case "execCPUAffinity":
		return jsontext.SetPtr(r, &v.ExecCPUAffinity, cpuAffinity)
	}
	return r.Skip()
}

var boxNames = []string{"height", "width"}

func box(r *reader, v *specs.Box) error {
	return r.Fields(boxNames, func(name string) error {
		if name == "height" {
			return jsontext.SetUint(r, &v.Height)
		}
		return jsontext.SetUint(r, &v.Width)
	})
}

var userNames = []string{"uid", "gid", "umask", "additionalGids", "username"}

func user(r *reader, v *specs.User) error {
	return r.Fields(userNames, func(name string) error {
		switch name {
		case "uid":
			return jsontext.SetUint(r, &v.UID)
		case "gid":
			return jsontext.SetUint(r, &v.GID)
		case "umask":
			return jsontext.SetPtr(r, &v.Umask, jsontext.SetUint)
		case "additionalGids":
			return jsontext.SetSlice(r, &v.AdditionalGids, jsontext.SetUint)
		}
		return jsontext.SetString(r, &v.Username)
	})
}

var capabilitiesNames = []string{"bounding", "effective", "inheritable", "permitted", "ambient"}

func capabilities(r *reader, v *specs.LinuxCapabilities) error {
	return r.Fields(capabilitiesNames, func(name string) error {
		set := &v.Ambient
		switch name {
		case "bounding":
			set = &v.Bounding
		case "effective":
			set = &v.Effective
		case "inheritable":
			set = &v.Inheritable
		case "permitted":
			set = &v.Permitted
		}
		return jsontext.SetSlice(r, set, jsontext.SetString)
	})
}

var rlimitNames = []string{"type", "hard", "soft"}

func rlimit(r *reader, v *specs.POSIXRlimit) error {
	return r.Fields(rlimitNames, func(name string) error {
		switch name {
		case "type":
			return jsontext.SetString(r, &v.Type)
		case "hard":
			return jsontext.SetUint(r, &v.Hard)
		}
		return jsontext.SetUint(r, &v.Soft)
	})
}

var schedulerNames = []string{"policy", "nice", "priority", "flags", "runtime", "deadline", "period"}

func scheduler(r *reader, v *specs.Scheduler) error {
	return r.Fields(schedulerNames, func(name string) error {
		switch name {
		case "policy":
			return jsontext.SetString(r, &v.Policy)
		case "nice":
			return jsontext.SetInt(r, &v.Nice)
		case "priority":
			return jsontext.SetInt(r, &v.Priority)
		case "flags":
			return jsontext.SetSlice(r, &v.Flags, jsontext.SetString)
		case "runtime":
			return jsontext.SetUint(r, &v.Runtime)
		case "deadline":
			return jsontext.SetUint(r, &v.Deadline)
		}
		return jsontext.SetUint(r, &v.Period)
	})
}

var ioPriorityNames = []string{"class", "priority"}

func ioPriority(r *reader, v *specs.LinuxIOPriority) error {
	return r.Fields(ioPriorityNames, func(name string) error {
		if name == "class" {
			return jsontext.SetString(r, &v.Class)
		}
		return jsontext.SetInt(r, &v.Priority)
	})
}

var cpuAffinityNames = []string{"initial", "final"}

func cpuAffinity(r *reader, v *specs.CPUAffinity) error {
	return r.Fields(cpuAffinityNames, func(name string) error {
		if name == "initial" {
			return jsontext.SetString(r, &v.Initial)
		}
		return jsontext.SetString(r, &v.Final)
	})
}
