/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gives a file that replaces another one what belonged to that: owner, rights, access control list, extended
 * attributes. The files are reached by the links in /proc/self/fd, since neither of them need be readable. */

#include "command-rights.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACCESS_LIST "system.posix_acl_access"

/* What all the names of attributes of a file take at most, and a value, in the kernel. */
#define MAX_ATTRIBUTE 65536

/* Whether an attribute belongs to the file, and not to its content, as capabilities and signatures do. */
static gboolean
is_kept (const char *name)
{
  return g_str_has_prefix (name, "user.") || g_str_has_prefix (name, "trusted.") || g_str_equal (name, ACCESS_LIST) ||
         g_str_equal (name, "security.selinux");
}

/* The program may have set an attribute itself, which stays then. */
static void
copy_attribute (const char *from, const char *to, const char *name, char *value)
{
  gssize size;

  if (!g_str_has_prefix (name, "user.") || getxattr (to, name, NULL, 0) < 0)
    {
      size = getxattr (from, name, value, MAX_ATTRIBUTE);
      if (size >= 0 && setxattr (to, name, value, (gsize) size, 0) < 0)
        g_debug ("The attribute '%s' of a file that was replaced could not be kept: %s", name, g_strerror (errno));
    }
}

static void
copy_attributes (const char *from, const char *to, gboolean keeps_list)
{
  g_autofree char *names = g_malloc (MAX_ATTRIBUTE);
  g_autofree char *value = g_malloc (MAX_ATTRIBUTE);
  gssize size = listxattr (from, names, MAX_ATTRIBUTE);

  /* A new file gets a list where its folder has a default one. */
  if (!keeps_list || getxattr (from, ACCESS_LIST, NULL, 0) < 0)
    removexattr (to, ACCESS_LIST);
  for (gssize i = 0; i < size; i += (gssize) strlen (names + i) + 1)
    if (is_kept (names + i) && (keeps_list || !g_str_equal (names + i, ACCESS_LIST)))
      copy_attribute (from, to, names + i, value);
}

/* Returns the mode for a file whose owner or group could not be kept: a group that is another one gets no more rights
 * than all have. */
static mode_t
choose_mode (const struct stat *before, const struct stat *after)
{
  mode_t mode = before->st_mode & 07777;

  if (after->st_uid != before->st_uid)
    mode &= ~(mode_t) S_ISUID;
  if (after->st_gid != before->st_gid)
    mode &= ~(mode_t) (S_ISGID | S_IRWXG) | ((mode & S_IRWXO) << 3);
  return mode;
}

void
command_rights_copy (int from, int to)
{
  g_autofree char *old_path = g_strdup_printf ("/proc/self/fd/%d", from);
  g_autofree char *new_path = g_strdup_printf ("/proc/self/fd/%d", to);
  struct stat before;
  struct stat after;

  if (fstat (from, &before) < 0 || fstat (to, &after) < 0)
    return;
  if ((after.st_uid != before.st_uid || after.st_gid != before.st_gid) &&
      chown (new_path, before.st_uid, before.st_gid) < 0 && chown (new_path, (uid_t) -1, before.st_gid) < 0)
    g_debug ("A file that replaces another one has another owner: %s", g_strerror (errno));
  fstat (to, &after);
  copy_attributes (old_path, new_path, after.st_gid == before.st_gid);
  /* The last: a change of the owner takes the bits for other users' rights off. */
  if (chmod (new_path, choose_mode (&before, &after)) < 0)
    g_message ("A file that replaces another one has other rights than before: %s", g_strerror (errno));
}
