# cmake -DFOLDER= -DOUT= -DSTYLES="a.css;b.css" -DSCRIPTS="a.js;b.js" -P embed.cmake
# Writes the .cc that html_parts.h declares: files as raw string literals, no other tool needed.
function(literal name)
  set(text "")
  foreach(file ${ARGN})
    file(READ "${FOLDER}/${file}" part)
    string(APPEND text "${part}")
  endforeach()
  set(out "")
  # Compilers need not take literals beyond 64 KiB, so each is cut into pieces that stand side by side.
  string(LENGTH "${text}" left)
  while(left GREATER 0)
    string(SUBSTRING "${text}" 0 8000 piece)
    string(LENGTH "${piece}" taken)
    string(SUBSTRING "${text}" ${taken} -1 text)
    string(LENGTH "${text}" left)
    string(APPEND out "\n    R\"~~~~(${piece})~~~~\"")
  endwhile()
  set(${name} "${out}" PARENT_SCOPE)
endfunction()

literal(frame page.html)
literal(style ${STYLES})
literal(script ${SCRIPTS})
file(WRITE "${OUT}" "// Made by embed.cmake from daemon/show/html.
#include \"show/html_parts.h\"

namespace jitcorral::show {

const std::string_view kPageFrame =${frame};
const std::string_view kPageStyle =${style};
const std::string_view kPageScript =${script};

}  // namespace jitcorral::show
")
