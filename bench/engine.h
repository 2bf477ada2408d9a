#pragma once
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
void* llvm_map(size_t size);
void* llvm_memalign(size_t alignment, size_t size);
void* cranelift_map(size_t size);
void* cranelift_memalign(size_t alignment, size_t size);
#ifdef __cplusplus
}
#endif
