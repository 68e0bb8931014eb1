/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sandbox's files and ports: Landlock, by its system calls. The numbers are the same on all processors.
 *
 * All rights that the kernel knows are refused, and the message's paths are granted rights. No path is granted the
 * right to execute programs or to make devices, symbolic links or named pipes. The application might follow such a
 * link, or block on such a pipe.
 *
 * Landlock does not affect files that the worker opened before, or descriptors that the worker receives. The kernel
 * checks rights when a path is opened, and keeps them with the descriptor. */

#include "config.h"

#include "process/ferry-sandbox-message-private.h"
#include "process/ferry-sandbox-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ferry-base-private.h"

#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446

#define CREATE_RULESET_VERSION (1u << 0)
#define RULE_PATH_BENEATH 1

/* The versions of Landlock's interface that added the rights below. */
#define ABI_REFER 2
#define ABI_TRUNCATE 3
#define ABI_NETWORK 4
#define ABI_DEVICES 5
#define ABI_SCOPE 6

/* Those rights of files that the code names. */
enum
{
  FILE_EXECUTE = 1 << 0,
  FILE_WRITE = 1 << 1,
  FILE_READ = 1 << 2,
  FOLDER_READ = 1 << 3,
  FOLDER_REMOVE_FOLDER = 1 << 4,
  FOLDER_REMOVE_FILE = 1 << 5,
  FOLDER_MAKE_FOLDER = 1 << 7,
  FOLDER_MAKE_FILE = 1 << 8,
  FOLDER_REFER = 1 << 13,
  FILE_TRUNCATE = 1 << 14,
  DEVICE_CONTROL = 1 << 15,
};

#define FIRST_RIGHTS ((1 << 13) - 1) /* all rights of the first version */
#define READ_ONLY (FILE_READ | FOLDER_READ)
#define WRITABLE                                                                                                       \
  (READ_ONLY | FILE_WRITE | FILE_TRUNCATE | FOLDER_REMOVE_FOLDER | FOLDER_REMOVE_FILE | FOLDER_MAKE_FOLDER |           \
   FOLDER_MAKE_FILE | FOLDER_REFER)
#define OF_FILES (FILE_EXECUTE | FILE_WRITE | FILE_READ | FILE_TRUNCATE | DEVICE_CONTROL)

#define NETWORK_ALL ((1 << 0) | (1 << 1)) /* bind TCP, connect TCP */
#define SCOPE_ALL ((1 << 0) | (1 << 1))   /* abstract addresses, signals */

typedef struct
{
  guint64 files;
  guint64 network;
  guint64 scope;
} Ruleset;

typedef struct
{
  guint64 allowed;
  gint32 parent;
} __attribute__ ((packed)) PathRule;

static int
get_abi (void)
{
  return (int) syscall (CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
}

guint32
ferry_landlock_get_layers (void)
{
  int abi = get_abi ();

  if (abi < 1)
    return 0;
  return FERRY_LAYER_LANDLOCK | (abi >= ABI_NETWORK ? FERRY_LAYER_LANDLOCK_NETWORK : 0) |
         (abi >= ABI_SCOPE ? FERRY_LAYER_LANDLOCK_SCOPE : 0);
}

static guint64
get_known_rights (int abi)
{
  return FIRST_RIGHTS | (abi >= ABI_REFER ? FOLDER_REFER : 0) | (abi >= ABI_TRUNCATE ? FILE_TRUNCATE : 0) |
         (abi >= ABI_DEVICES ? DEVICE_CONTROL : 0);
}

/* Grants rights on a path, if it exists. Does nothing for a pipe or a socket, which Landlock never refuses to open. */
static gboolean
grant_path (int ruleset, const char *path, guint64 rights)
{
  ferry_autofd parent = open (path, O_PATH | O_CLOEXEC);
  PathRule rule = {.allowed = rights, .parent = parent};
  struct stat status;

  if (parent < 0)
    return TRUE;
  if (fstat (parent, &status) < 0)
    return FALSE;
  if (!S_ISDIR (status.st_mode))
    rule.allowed &= OF_FILES;
  return syscall (ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0 || errno == EBADFD;
}

static gboolean
grant_paths (int ruleset, GPtrArray *paths, guint64 rights)
{
  for (guint i = 0; i < paths->len; i++)
    if (!grant_path (ruleset, g_ptr_array_index (paths, i), rights))
      return FALSE;
  return TRUE;
}

static gboolean
enter (const FerrySandboxMessage *message, const Ruleset *rules)
{
  /* An older kernel knows only the first fields. It accepts the others, which are 0. */
  ferry_autofd ruleset = (int) syscall (CREATE_RULESET, rules, sizeof *rules, 0);

  if (ruleset < 0)
    return FALSE;
  if (rules->files != 0 && (!grant_paths (ruleset, message->read_only, READ_ONLY & rules->files) ||
                            !grant_paths (ruleset, message->writable, WRITABLE & rules->files)))
    return FALSE;
  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall (RESTRICT_SELF, ruleset, 0) == 0;
}

guint32
ferry_landlock_enter (const FerrySandboxMessage *message, int *failure)
{
  guint32 layers = message->layers & ferry_landlock_get_layers ();
  Ruleset rules = {0};

  *failure = 0;
  if ((layers & FERRY_LAYER_LANDLOCK) != 0)
    rules.files = get_known_rights (get_abi ());
  if ((layers & FERRY_LAYER_LANDLOCK_NETWORK) != 0 && !message->network)
    rules.network = NETWORK_ALL;
  if ((layers & FERRY_LAYER_LANDLOCK_SCOPE) != 0)
    rules.scope = SCOPE_ALL;
  /* No right is to be refused, for example when network rights are the only layer and the network is granted. */
  if (rules.files == 0 && rules.network == 0 && rules.scope == 0)
    {
      if (layers == 0 && (message->layers & FERRY_LAYER_LANDLOCK) != 0)
        *failure = ENOSYS;
      return layers;
    }
  if (enter (message, &rules))
    return layers;
  *failure = errno;
  return 0;
}
