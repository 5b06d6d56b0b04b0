#include "textflag.h"

DATA ·exe<>+0(SB)/8, $"/proc/se"
DATA ·exe<>+8(SB)/8, $"lf/exe\x00\x00"
GLOBL ·exe<>(SB), RODATA|NOPTR, $16

// struct mount_attr{.attr_set = MOUNT_ATTR_RDONLY}
DATA ·readonly<>+0(SB)/8, $1
DATA ·readonly<>+8(SB)/8, $0
DATA ·readonly<>+16(SB)/8, $0
DATA ·readonly<>+24(SB)/8, $0
GLOBL ·readonly<>(SB), RODATA|NOPTR, $32

// func entry()
TEXT ·entry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	ADD  $8, RSP, R19 // argv
	MOVD R19, R20
next:
	MOVD (R20), R0
	ADD  $8, R20
	CBZ  R0, begin
	MOVWU (R0), R1
	MOVD $0x006e7572, R2 // "run"
	CMPW R2, R1
	BEQ  seal
	MOVD $0x63657865, R2 // "exec"
	CMPW R2, R1
	BEQ  exec
	MOVD $0x61657263, R2 // "crea"
	CMPW R2, R1
	BNE  next
	MOVWU 3(R0), R1
	MOVD $0x00657461, R2 // "ate"
	CMPW R2, R1
	BNE  next
	B    seal
exec:
	MOVBU 4(R0), R1
	CBNZ R1, next
seal:
	// faccessat2(AT_FDCWD, "/proc/self/exe", W_OK, AT_EACCESS)
	MOVD $-100, R0
	MOVD $·exe<>(SB), R1
	MOVD $2, R2
	MOVD $0x200, R3
	MOVD $439, R8
	SVC
	CBNZ R0, begin
	// open_tree(AT_FDCWD, "/proc/self/exe", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
	MOVD $-100, R0
	MOVD $·exe<>(SB), R1
	MOVD $0x80001, R2
	MOVD $428, R8
	SVC
	CMP  $0, R0
	BLT  begin
	MOVD R0, R21
	// mount_setattr(fd, "", AT_EMPTY_PATH, &readonly, 32)
	MOVD $·exe<>+14(SB), R1
	MOVD $0x1000, R2
	MOVD $·readonly<>(SB), R3
	MOVD $32, R4
	MOVD $442, R8
	SVC
	CBNZ R0, begin
	// execveat(fd, "", argv, envp, AT_EMPTY_PATH)
	MOVD R21, R0
	MOVD $·exe<>+14(SB), R1
	MOVD R19, R2
	MOVD -8(R19), R5
	ADD  R5<<3, R19, R3
	ADD  $8, R3
	MOVD $0x1000, R4
	MOVD $281, R8
	SVC
begin:
	B    _rt0_arm64_linux(SB)
