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
	LEAQ 8(SP), R12 // argv
next:
	MOVQ (R12), AX
	ADDQ $8, R12
	TESTQ AX, AX
	JZ   begin
	MOVL (AX), CX
	CMPL CX, $0x006e7572 // "run"
	JEQ  seal
	CMPL CX, $0x63657865 // "exec"
	JEQ  exec
	CMPL CX, $0x61657263 // "crea"
	JNE  next
	MOVL 3(AX), CX
	CMPL CX, $0x00657461 // "ate"
	JNE  next
	JMP  seal
exec:
	CMPB 4(AX), $0
	JNE  next
seal:
	// faccessat2(AT_FDCWD, "/proc/self/exe", W_OK, AT_EACCESS)
	MOVQ $-100, DI
	LEAQ ·exe<>(SB), SI
	MOVQ $2, DX
	MOVQ $0x200, R10
	MOVQ $439, AX
	SYSCALL
	TESTQ AX, AX
	JNZ  begin
	// open_tree(AT_FDCWD, "/proc/self/exe", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
	MOVQ $-100, DI
	LEAQ ·exe<>(SB), SI
	MOVQ $0x80001, DX
	MOVQ $428, AX
	SYSCALL
	TESTQ AX, AX
	JLT  begin
	MOVQ AX, R13
	// mount_setattr(fd, "", AT_EMPTY_PATH, &readonly, 32)
	MOVQ R13, DI
	LEAQ ·exe<>+14(SB), SI
	MOVQ $0x1000, DX
	LEAQ ·readonly<>(SB), R10
	MOVQ $32, R8
	MOVQ $442, AX
	SYSCALL
	TESTQ AX, AX
	JNZ  begin
	// execveat(fd, "", argv, envp, AT_EMPTY_PATH)
	MOVQ R13, DI
	LEAQ ·exe<>+14(SB), SI
	LEAQ 8(SP), DX
	MOVQ (SP), CX
	LEAQ 8(DX)(CX*8), R10
	MOVQ $0x1000, R8
	MOVQ $322, AX
	SYSCALL
begin:
	JMP  _rt0_amd64_linux(SB)
