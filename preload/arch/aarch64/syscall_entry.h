// The exported `syscall`: compares the number and either takes the call over or jumps on with
// registers and stack as they were. Included by interpose.cc alone.
//
// Only the intra-procedure-call registers x16 and x17 are touched (AAPCS64 6.1.1).
#pragma once

asm(R"(
.text
.globl syscall
.type syscall, %function
.p2align 4
syscall:
    .cfi_startproc
    hint #34
    cmp x0, #511
    b.hi 1f
    adrp x16, jitcorral_taken_over
    add x16, x16, :lo12:jitcorral_taken_over
    lsr x17, x0, #6
    ldr x16, [x16, x17, lsl #3]
    lsr x16, x16, x0
    tbz x16, #0, 1f
    b jitcorral_on_syscall
1:  adrp x16, jitcorral_next_syscall
    ldr x16, [x16, :lo12:jitcorral_next_syscall]
    br x16
    .cfi_endproc
.size syscall, . - syscall
)");
