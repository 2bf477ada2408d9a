// For the static command: what in libc would load shared libraries of the machine it runs on, which
// are of another libc. The linker takes these instead (--wrap); of any other such function it would
// warn, and warnings are errors there.
#include <pwd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>

extern "C" {

// SQLite's extensions, which nobody asks for.
void* __wrap_dlopen(const char* /*file*/, int /*mode*/) {
  return nullptr;
}

// Of /etc/passwd alone: no NSS.
int __wrap_getpwuid_r(uid_t uid, passwd* entry, char* buffer, std::size_t size, passwd** found) {
  *found = nullptr;
  std::FILE* const file = std::fopen("/etc/passwd", "re");
  if (file == nullptr) return errno;
  int error = 0;
  passwd* line = nullptr;
  while ((error = fgetpwent_r(file, entry, buffer, size, &line)) == 0)
    if (line->pw_uid == uid) {
      *found = line;
      break;
    }
  std::fclose(file);
  return error == ENOENT ? 0 : error;
}
}
