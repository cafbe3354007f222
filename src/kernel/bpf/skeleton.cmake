# Makes owners.lskel.h of owners.bpf.c: a header that loads the program without a library at
# run time. Sets HAVE_OWNERS_BPF, and OWNERS_BPF_INCLUDE, if all it takes is here.
set(HAVE_OWNERS_BPF FALSE)
if(NOT SOCKCTL_BPF)
	return()
endif()
set(bpf_source ${CMAKE_CURRENT_LIST_DIR}/owners.bpf.c)
set(bpf_dir ${CMAKE_CURRENT_BINARY_DIR}/bpf)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
	${bpf_source} ${CMAKE_CURRENT_LIST_DIR}/owner_record.h)
find_program(BPF_CLANG clang)
find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin)
pkg_check_modules(LIBBPF QUIET libbpf)
if(NOT BPF_CLANG OR NOT BPFTOOL OR NOT LIBBPF_FOUND)
	message(STATUS "owners by BPF: no (they take clang, bpftool and libbpf's headers)")
	return()
endif()

file(MAKE_DIRECTORY ${bpf_dir})
set(bpf_includes -I${PROJECT_SOURCE_DIR}/src)
foreach(dir ${LIBBPF_INCLUDE_DIRS} /usr/include/${CMAKE_LIBRARY_ARCHITECTURE})
	list(APPEND bpf_includes -isystem ${dir})
endforeach()
execute_process(
	COMMAND ${BPF_CLANG} -target bpf -O2 -g -Wall -Werror ${bpf_includes}
		-c ${bpf_source} -o ${bpf_dir}/owners.bpf.o
	RESULT_VARIABLE bpf_failed ERROR_VARIABLE bpf_errors)
if(NOT bpf_failed)
	execute_process(
		COMMAND ${BPFTOOL} gen skeleton -L ${bpf_dir}/owners.bpf.o name owners_bpf
		OUTPUT_FILE ${bpf_dir}/owners.lskel.h
		RESULT_VARIABLE bpf_failed ERROR_VARIABLE bpf_errors)
endif()
if(NOT bpf_failed)
	# bpftool and the header it relies on may be of different versions.
	set(CMAKE_REQUIRED_INCLUDES ${bpf_dir} ${LIBBPF_INCLUDE_DIRS})
	set(CMAKE_REQUIRED_DEFINITIONS -D_GNU_SOURCE)
	check_c_source_compiles("
		#include <errno.h>
		#include <owners.lskel.h>
		int main(void) { return !owners_bpf__open_and_load(); }" OWNERS_BPF_COMPILES)
	unset(CMAKE_REQUIRED_INCLUDES)
	unset(CMAKE_REQUIRED_DEFINITIONS)
endif()
if(bpf_failed OR NOT OWNERS_BPF_COMPILES)
	message(STATUS "owners by BPF: no\n${bpf_errors}")
	return()
endif()
message(STATUS "owners by BPF: yes")
set(HAVE_OWNERS_BPF TRUE)
set(OWNERS_BPF_INCLUDE ${bpf_dir} ${LIBBPF_INCLUDE_DIRS})
