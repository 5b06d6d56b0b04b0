#include "textflag.h"

// func prlimit64(old *limits) int64
TEXT ·prlimit64(SB), NOSPLIT, $0-16
	MOVD	$261, R8 // SYS_prlimit64
	MOVD	ZR, R0   // this process
	MOVD	$7, R1   // RLIMIT_NOFILE
	MOVD	ZR, R2   // no new limit
	MOVD	old+0(FP), R3
	SVC
	MOVD	R0, ret+8(FP)
	RET
