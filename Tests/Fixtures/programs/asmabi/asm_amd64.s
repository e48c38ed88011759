#include "textflag.h"

DATA ·fromAssembly(SB)/8, $7
GLOBL ·fromAssembly(SB), NOPTR, $8

DATA local<>+0(SB)/8, $0x1122334455667788
DATA local<>+8(SB)/4, $9
GLOBL local<>(SB), RODATA|NOPTR, $16

DATA pointer<>(SB)/8, $local<>(SB)
GLOBL pointer<>(SB), RODATA, $8

TEXT ·add(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), AX
	ADDQ b+8(FP), AX
	MOVQ AX, ret+16(FP)
	RET

TEXT ·twice(SB), NOSPLIT, $0-16
	MOVQ n+0(FP), AX
	SHLQ $1, AX
	MOVQ AX, ret+8(FP)
	RET

TEXT ·callback(SB), $24-16
	MOVQ n+0(FP), AX
	MOVQ AX, 0(SP)
	CALL ·double(SB)
	MOVQ 8(SP), AX
	MOVQ AX, ret+8(FP)
	RET

TEXT ·constant(SB), NOSPLIT, $0-8
	MOVQ pointer<>(SB), BX
	MOVQ (BX), AX
	CMPQ AX, $0
	JEQ  zero
	MOVL local<>+8(SB), AX

zero:
	MOVQ AX, ret+0(FP)
	RET

TEXT helper<>(SB), NOSPLIT|NOFRAME, $0
	RET
