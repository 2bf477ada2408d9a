# The scenarios on the other ISA, under emulation: those that qemu-user 7.2 answers as Linux does. Left
# out are those that fail there bare (threads over one address range, exec of guest programs, most of
# mremap, longjmp out of a handler, wide arguments, MAP_POPULATE), and limits, filters and layouts, which are
# qemu's own. On an aarch64 machine all of them run.
string(REPLACE ";" " " emulator "${CMAKE_CROSSCOMPILING_EMULATOR}")
list(APPEND runner --emulator "${emulator}")
set(emulated
  api before_main closefrom_three data_limit errno_kept fixed_over fork_steered free_sized
  invalid_args iterate_phdr learned lock_all mlock_limit_past_extent mremap_fixed mseal_past_extent
  msync_cancels munmap_beyond_space munmap_partial munmap_spanning noreplace past_extent
  past_extent_unaligned pkey_minus_two rlimit_bad_pointer segv_code shm_attach signal_maps
  small_altstack small_stack syscall_numbers threads_start_at_once window_reused zero_after_reuse)
foreach(name ${emulated})
  scenario_program(${name})
  foreach(mode all exe)
    scenario_test(${name} ${name} ${mode} RUN --fallbacks any --served unknown)
  endforeach()
endforeach()
foreach(name fork_under_load fork_in_handler aligned)  # slow there
  scenario_program(${name})
  scenario_test(${name} ${name} all RUN --fallbacks any --served unknown)
endforeach()
