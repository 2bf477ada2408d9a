#include "inspect/privilege.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace jitcorral::inspect {

std::string gained_privilege(int file) {
  struct stat s = {};
  if (fstat(file, &s) != 0) return {};
  if ((s.st_mode & S_ISUID) != 0 && s.st_uid != geteuid()) return "set-uid";
  if ((s.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && s.st_gid != getegid())
    return "set-gid";
  if (geteuid() != 0 && fgetxattr(file, "security.capability", nullptr, 0) > 0)
    return "has file capabilities";
  return {};
}

}  // namespace jitcorral::inspect
