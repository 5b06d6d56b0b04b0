#include "textflag.h"

// func prlimit64(old *limits) int64
TEXT ·prlimit64(SB), NOSPLIT, $0-16
	MOVL	$302, AX // SYS_prlimit64
	XORL	DI, DI   // this process
	MOVL	$7, SI   // RLIMIT_NOFILE
	XORL	DX, DX   // no new limit
	MOVQ	old+0(FP), R10
	SYSCALL
	MOVQ	AX, ret+8(FP)
	RET
