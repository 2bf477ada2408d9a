// The exported `syscall`: compares the number and either takes the call over or jumps on with
// registers and stack as they were. Included by interpose.cc alone.
//
// int64 table: bit n set = number n is taken over. The C function behind it has syscall's own
// calling convention: seven longs, the seventh on the stack.
#pragma once

asm(R"(
.text
.globl syscall
.type syscall, @function
.p2align 4
syscall:
    .cfi_startproc
    endbr64
    cmpq $511, %rdi
    ja 1f
    leaq jitcorral_taken_over(%rip), %rax
    btq %rdi, (%rax)
    jnc 1f
    jmp jitcorral_on_syscall
1:  jmp *jitcorral_next_syscall(%rip)
    .cfi_endproc
.size syscall, . - syscall
)");
