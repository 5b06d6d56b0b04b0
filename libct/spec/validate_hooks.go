package spec

import (
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// validateHooks: runtime-spec config.md#posix-platform-hooks.
func validateHooks(s *specs.Spec) error {
	if s.Hooks == nil {
		return nil
	}
	for _, name := range hooksNames {
		if err := each("hooks."+name, *hooksOf(s.Hooks, name), validateHook); err != nil {
			return err
		}
	}
	return nil
}

func validateHook(h *specs.Hook) error {
	if err := absolute(".path", h.Path); err != nil {
		return err
	}
	if err := noNULs(".args", h.Args); err != nil {
		return err
	}
	if h.Timeout != nil && *h.Timeout <= 0 {
		return fmt.Errorf(".timeout: must be more than 0 seconds, have %d", *h.Timeout)
	}
	return validateEnv(".env", h.Env)
}
