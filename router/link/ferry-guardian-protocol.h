/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The packets from an application to its guardian. The guardian's program includes no other header of the library. */

#pragma once

#include <stdint.h>

/* The guardian's end of the socket. */
#define FERRY_GUARDIAN_FD 0

typedef enum
{
  FERRY_GUARDIAN_APPLICATION = 1,   /* with the application's pidfd, whose end counts as the socket's does */
  FERRY_GUARDIAN_GUARD,             /* with a process' pidfd: the process and its group are ended */
  FERRY_GUARDIAN_GUARD_FORK_SERVER, /* the same of a fork server, which first has time to end its workers itself */
  FERRY_GUARDIAN_RELEASE,           /* the process has ended, and so has its group */
} FerryGuardianWord;

typedef struct
{
  uint32_t word; /* a FerryGuardianWord */
  int32_t pid;   /* the number of the process and of its group; 0 for the application */
} FerryGuardianPacket;
