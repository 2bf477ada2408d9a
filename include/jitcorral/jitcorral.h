/* jitcorral: the public C interface of libjitcorral.so.
 *
 * A host never links against the shim; it may be there or not. Declare the calls you use weak (this
 * header does) and test before you call:
 *
 *     if (jitcorral_version) puts(jitcorral_version());
 *
 * Every call is thread-safe, async-signal-safe, allocates nothing, makes no system call, and keeps
 * errno. The interface only grows; a struct is filled up to the size that its caller knows.
 */
#ifndef JITCORRAL_JITCORRAL_H_
#define JITCORRAL_JITCORRAL_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(JITCORRAL_BUILDING)
#define JITCORRAL_API __attribute__((visibility("default")))
#else
#define JITCORRAL_API __attribute__((weak))
#endif

/* What became of the calls since the process (or forked child) began or the last reset. A call
 * counts once, under what finally happened to it. */
typedef struct jitcorral_counters {
  uint64_t steered;     /* mapped or allocated inside the window */
  uint64_t passed;      /* looked at and handed to the kernel or allocator as the host made it */
  uint64_t fell_back;   /* meant for the window, but had to be made again as the host made it */
  uint64_t failed;      /* refused with ENOMEM because of JITCORRAL_ON_FULL=fail */
  uint64_t would_steer; /* under JITCORRAL_POLICY=observe: what auto would have steered */
  uint64_t given_back;  /* unmap or free calls that touched the window */
} jitcorral_counters;

/* The window. All zero while it is closed. */
typedef struct jitcorral_window {
  uintptr_t base; /* first byte */
  size_t size;    /* bytes; 0: closed */
  int reserved;   /* 1: free pages are held by a PROT_NONE mapping; 0: only by convention */
} jitcorral_window;

/* The shim's version, as "0.1.0"; a static string. */
JITCORRAL_API const char* jitcorral_version(void);

/* Fills the first `size` bytes of `*out`; returns how many bytes this version would fill. */
JITCORRAL_API size_t jitcorral_get_counters(jitcorral_counters* out, size_t size);

/* Sets the counters to zero. */
JITCORRAL_API void jitcorral_reset_counters(void);

/* Fills the first `size` bytes of `*out`; returns how many bytes this version would fill. */
JITCORRAL_API size_t jitcorral_get_window(jitcorral_window* out, size_t size);

/* 1 if the address lies inside the window (whether mapped or not), else 0. */
JITCORRAL_API int jitcorral_inside(const void* address);

#ifdef __cplusplus
}
#endif
#endif /* JITCORRAL_JITCORRAL_H_ */
