/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application tells its guardian, a packet each. The guardian's program includes this and nothing else of the
 * library. */

#pragma once

#include <stdint.h>

/* The guardian's end of the socket. */
#define FERRY_GUARDIAN_FD 0

typedef enum
{
  FERRY_GUARDIAN_APPLICATION = 1,   /* with the application's pidfd: its death is the end as well */
  FERRY_GUARDIAN_GUARD,             /* with a process' pidfd: that process and its group are to be ended */
  FERRY_GUARDIAN_GUARD_FORK_SERVER, /* the same of a fork server, which ends its workers itself when it is given time */
  FERRY_GUARDIAN_RELEASE,           /* the process has ended, and so has its group */
} FerryGuardianWord;

typedef struct
{
  uint32_t word; /* a FerryGuardianWord */
  int32_t pid;   /* the number of the process, which also is that of its group; 0 for the application */
} FerryGuardianPacket;
