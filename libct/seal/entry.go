package seal

// entry is where the program begins, if it was linked with -E rt/libct/seal.entry
// as the Makefile does: with create, run or exec among its arguments it seals itself
// before Go's runtime has started, which costs a fifth of doing so in Self. What
// it cannot do it leaves to Self, which finds out either way.
//
// It runs on the stack the kernel gave the process, with nothing initialised.
//
//lint:ignore U1000 the linker's -E refers to it
func entry()
