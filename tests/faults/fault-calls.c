/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Both forms of what takes an offset are defined here, under their own names. */
#undef _FILE_OFFSET_BITS

#include "faults/fault-calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PAGE 4096

const char *const fault_call_names[FAULT_N_CALLS] = {
  "memfd_create", "mmap",          "eventfd",   "socketpair",     "sendmsg",    "recvmsg", "send",
  "recv",         "epoll_create1", "epoll_ctl", "clone",          "pidfd_open", "pipe2",   "dup",
  "open",         "socket",        "accept4",   "pthread_create", "write",      "fsync",
};

static _Atomic int armed = -1;
static _Atomic unsigned n_calls;
static unsigned failing;
static int failure;
static bool lasting;
static long file_system;
static char witness[256];
static _Atomic size_t mapped;

void
fault_arm (FaultCall call, unsigned n, int error_number)
{
  failing = n;
  failure = error_number;
  lasting = false;
  atomic_store (&n_calls, 0);
  atomic_store (&armed, (int) call);
}

void
fault_arm_lasting (FaultCall call, unsigned n, int error_number)
{
  fault_arm (call, n, error_number);
  lasting = true;
}

void
fault_arm_short (void)
{
  fault_arm_lasting (FAULT_WRITE, 1, 0);
}

unsigned
fault_disarm (void)
{
  atomic_store (&armed, -1);
  return fault_get_n_calls ();
}

unsigned
fault_get_n_calls (void)
{
  return atomic_load (&n_calls);
}

size_t
fault_get_mapped (void)
{
  return atomic_load (&mapped);
}

/* In a program that was preloaded. */
__attribute__ ((constructor)) static void
read_order (void)
{
  const char *order = getenv ("FERRY_FAULT");
  char name[32];
  unsigned n;
  int error_number;

  if (order == NULL || sscanf (order, "%31s %u %d %255s", name, &n, &error_number, witness) != 4)
    return;
  for (int call = 0; call < FAULT_N_CALLS; call++)
    if (strcmp (name, fault_call_names[call]) == 0)
      fault_arm ((FaultCall) call, n, error_number);
}

static bool
fails (FaultCall call)
{
  unsigned n;

  if (atomic_load (&armed) != (int) call)
    return false;
  n = atomic_fetch_add (&n_calls, 1) + 1;
  if (lasting ? n < failing : n != failing)
    return false;
  if (witness[0] != '\0' && truncate (witness, 1) < 0)
    return false;
  errno = failure;
  return true;
}

/* A child that shares our memory until it executes may come here, too: all that it does is to look. */
#define REAL(name)                                                                                                     \
  static __typeof__ (name) *real;                                                                                      \
  if (real == NULL)                                                                                                    \
  real = (__typeof__ (name) *) dlsym (RTLD_NEXT, #name)

#define WRAP(call, type, name, parameters, arguments)                                                                  \
  type name parameters                                                                                                 \
  {                                                                                                                    \
    REAL (name);                                                                                                       \
    return fails (call) ? -1 : real arguments;                                                                         \
  }

int eventfd (unsigned count, int flags);

void
fault_set_file_system (long type)
{
  file_system = type;
}

int
statfs (const char *path, struct statfs *about)
{
  REAL (statfs);
  int result = real (path, about);

  if (result == 0 && file_system != 0)
    about->f_type = file_system;
  return result;
}

int
statfs64 (const char *path, struct statfs64 *about)
{
  REAL (statfs64);
  int result = real (path, about);

  if (result == 0 && file_system != 0)
    about->f_type = file_system;
  return result;
}

/* What a test prints is no file of the program. */
static bool
is_file (int fd)
{
  struct stat about;

  return fd > STDERR_FILENO && fstat (fd, &about) == 0 && S_ISREG (about.st_mode);
}

/* Returns how many bytes of size are to be written; -1: none, with errno. */
static ssize_t
allow (int fd, size_t size)
{
  if (atomic_load (&armed) != (int) FAULT_WRITE || !is_file (fd) || !fails (FAULT_WRITE))
    return (ssize_t) size;
  return failure != 0 ? -1 : (ssize_t) (size - size / 2);
}

ssize_t
write (int fd, const void *data, size_t size)
{
  ssize_t n = allow (fd, size);
  REAL (write);

  return n < 0 ? -1 : real (fd, data, (size_t) n);
}

ssize_t
pwrite (int fd, const void *data, size_t size, off_t offset)
{
  ssize_t n = allow (fd, size);
  REAL (pwrite);

  return n < 0 ? -1 : real (fd, data, (size_t) n, offset);
}

ssize_t
pwrite64 (int fd, const void *data, size_t size, off64_t offset)
{
  ssize_t n = allow (fd, size);
  REAL (pwrite64);

  return n < 0 ? -1 : real (fd, data, (size_t) n, offset);
}

WRAP (FAULT_SYNC, int, fsync, (int fd), (fd))
WRAP (FAULT_SYNC, int, fdatasync, (int fd), (fd))
WRAP (FAULT_MEMFD_CREATE, int, memfd_create, (const char *name, unsigned flags), (name, flags))
WRAP (FAULT_EVENTFD, int, eventfd, (unsigned count, int flags), (count, flags))
WRAP (FAULT_SOCKETPAIR, int, socketpair, (int domain, int type, int protocol, int fds[2]),
      (domain, type, protocol, fds))
WRAP (FAULT_SENDMSG, ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
WRAP (FAULT_RECVMSG, ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
WRAP (FAULT_SEND, ssize_t, send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags))
WRAP (FAULT_RECV, ssize_t, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags))
WRAP (FAULT_EPOLL_CREATE, int, epoll_create1, (int flags), (flags))
WRAP (FAULT_PIPE, int, pipe2, (int fds[2], int flags), (fds, flags))
WRAP (FAULT_DUP, int, dup2, (int fd, int target), (fd, target))
WRAP (FAULT_DUP, int, dup3, (int fd, int target, int flags), (fd, target, flags))
WRAP (FAULT_SOCKET, int, socket, (int domain, int type, int protocol), (domain, type, protocol))
WRAP (FAULT_ACCEPT, int, accept4, (int fd, __SOCKADDR_ARG address, socklen_t *size, int flags),
      (fd, address, size, flags))
WRAP (FAULT_CLONE, pid_t, fork, (void), ())

int
pthread_create (pthread_t *thread, const pthread_attr_t *attributes, void *(*function) (void *), void *argument)
{
  REAL (pthread_create);
  return fails (FAULT_THREAD) ? failure : real (thread, attributes, function, argument);
}

int
epoll_ctl (int epoll, int operation, int fd, struct epoll_event *event)
{
  REAL (epoll_ctl);
  /* The others allocate nothing, and cannot fail. */
  return operation == EPOLL_CTL_ADD && fails (FAULT_EPOLL_CTL) ? -1 : real (epoll, operation, fd, event);
}

/* Of what is mapped in the place of something else, nothing is counted. */
static void *
count_mapped (void *memory, size_t size, int flags)
{
  if (memory != MAP_FAILED && (flags & MAP_FIXED) == 0)
    atomic_fetch_add (&mapped, (size + PAGE - 1) / PAGE);
  return memory;
}

void *
mmap (void *place, size_t size, int protection, int flags, int fd, off_t offset)
{
  REAL (mmap);
  return fails (FAULT_MMAP) ? MAP_FAILED
                            : count_mapped (real (place, size, protection, flags, fd, offset), size, flags);
}

void *
mmap64 (void *place, size_t size, int protection, int flags, int fd, off64_t offset)
{
  REAL (mmap64);
  return fails (FAULT_MMAP) ? MAP_FAILED
                            : count_mapped (real (place, size, protection, flags, fd, offset), size, flags);
}

int
munmap (void *memory, size_t size)
{
  REAL (munmap);
  atomic_fetch_sub (&mapped, (size + PAGE - 1) / PAGE);
  return real (memory, size);
}

static bool
fcntl_fails (int command)
{
  return (command == F_DUPFD || command == F_DUPFD_CLOEXEC) && fails (FAULT_DUP);
}

/* An argument that was not given is not looked at. */
#define PASS_ON(name, first, second, call_fails)                                                                       \
  va_list arguments;                                                                                                   \
  uintptr_t more;                                                                                                      \
  REAL (name);                                                                                                         \
                                                                                                                       \
  va_start (arguments, second);                                                                                        \
  more = va_arg (arguments, uintptr_t);                                                                                \
  va_end (arguments);                                                                                                  \
  return call_fails ? -1 : real (first, second, more)

int
fcntl (int fd, int command, ...)
{
  PASS_ON (fcntl, fd, command, fcntl_fails (command));
}

int
fcntl64 (int fd, int command, ...)
{
  PASS_ON (fcntl64, fd, command, fcntl_fails (command));
}

int
open (const char *path, int flags, ...)
{
  PASS_ON (open, path, flags, fails (FAULT_OPEN));
}

int
open64 (const char *path, int flags, ...)
{
  PASS_ON (open64, path, flags, fails (FAULT_OPEN));
}

int
clone (int (*function) (void *), void *stack, int flags, void *argument, ...)
{
  va_list arguments;
  void *more[3];
  REAL (clone);

  va_start (arguments, argument);
  for (int i = 0; i < 3; i++)
    more[i] = va_arg (arguments, void *);
  va_end (arguments);
  return fails (FAULT_CLONE) ? -1 : real (function, stack, flags, argument, more[0], more[1], more[2]);
}

/* Most calls have fewer arguments, which AddressSanitizer sees on a small stack. */
__attribute__ ((no_sanitize ("address"))) long
syscall (long number, ...)
{
  va_list arguments;
  long more[6];
  REAL (syscall);

  va_start (arguments, number);
  for (int i = 0; i < 6; i++)
    more[i] = va_arg (arguments, long);
  va_end (arguments);
  if (number == SYS_pidfd_open && fails (FAULT_PIDFD_OPEN))
    return -1;
  return real (number, more[0], more[1], more[2], more[3], more[4], more[5]);
}
