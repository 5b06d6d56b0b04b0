#include "textflag.h"

// func call(nr, a, b, c, d, e, f uintptr) uintptr
TEXT ·call(SB), NOSPLIT|NOFRAME, $0-64
	MOVD nr+0(FP), R8
	MOVD a+8(FP), R0
	MOVD b+16(FP), R1
	MOVD c+24(FP), R2
	MOVD d+32(FP), R3
	MOVD e+40(FP), R4
	MOVD f+48(FP), R5
	SVC
	MOVD R0, ret+56(FP)
	RET

// func fork(args, size uintptr) uintptr
TEXT ·fork(SB), NOSPLIT|NOFRAME, $0-24
	MOVD args+0(FP), R0
	MOVD size+8(FP), R1
	MOVD $435, R8 // clone3
	SVC
	CMP $0, R0
	BGT exit
	MOVD R0, ret+16(FP)
	RET
exit:
	// The stack is the child's.
	MOVD $94, R8 // exit_group
	MOVD ZR, R0
	SVC
	B exit
