/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* System calls that fail when a test says so. The library stands before libc, so it has the calls of Ferry and of GLib;
 * a program that is not linked with it is preloaded with it, and reads from FERRY_FAULT what is to fail: the call's
 * name, which one of them, errno, and a file, with blanks between them. Its children go on counting from where they
 * were forked. Where a call fails, the file gets a size of 1; once the file was removed, none fails any more.
 *
 * Threads: any. */

#pragma once

#include <stddef.h>

/* Calls that are given a descriptor are one kind, where nothing tells them apart for the caller. */
typedef enum
{
  FAULT_MEMFD_CREATE,
  FAULT_MMAP,
  FAULT_EVENTFD,
  FAULT_SOCKETPAIR,
  FAULT_SENDMSG,
  FAULT_RECVMSG,
  FAULT_SEND,
  FAULT_RECV,
  FAULT_EPOLL_CREATE,
  FAULT_EPOLL_CTL, /* to add and to modify: to take out never fails for want of anything */
  FAULT_CLONE,     /* and fork: what posix_spawn() is made of */
  FAULT_PIDFD_OPEN,
  FAULT_PIPE,
  FAULT_DUP,
  FAULT_OPEN,
  FAULT_SOCKET,
  FAULT_ACCEPT,
  FAULT_THREAD,
  FAULT_WRITE, /* to a file: also at an offset */
  FAULT_SYNC,  /* of a file or a folder */
  FAULT_N_CALLS,
} FaultCall;

extern const char *const fault_call_names[FAULT_N_CALLS];

/* The n-th call from now on fails, once; the first is 1. */
void fault_arm (FaultCall call, unsigned n, int error_number);
/* The n-th call from now on fails, and all that come after it. */
void fault_arm_lasting (FaultCall call, unsigned n, int error_number);
/* From now on, each write to a file takes only a part of the bytes. */
void fault_arm_short (void);
/* From now on, all files are said to be on a file system of that type (statfs()); 0: the truth is. */
void fault_set_file_system (long type);
/* Nothing fails any more. Returns how many calls there were. */
unsigned fault_disarm (void);
/* Returns how many calls there were since fault_arm(). */
unsigned fault_get_n_calls (void);
/* Bytes that were mapped and not unmapped. */
size_t fault_get_mapped (void);
