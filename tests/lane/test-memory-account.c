/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-memory-account.c
 *
 * The account of memory that all links share: its limit to the byte, and its doorbell. */

#include "config.h"

#include "ferry-test.h"

#include <unistd.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-memory-account-private.h"
#include "lane/ferry-wake-private.h"

#define LIMIT 1000

static gboolean
is_rung (int bell)
{
  guint64 n;

  return read (bell, &n, sizeof n) == sizeof n;
}

static void
test_limit_is_exact (void)
{
  g_autoptr (FerryMemoryAccount) account = ferry_memory_account_new (LIMIT);

  g_assert_cmpuint (ferry_memory_account_get_limit (account), ==, LIMIT);
  g_assert_true (ferry_memory_account_has_room (account, LIMIT));
  g_assert_false (ferry_memory_account_has_room (account, LIMIT + 1));
  ferry_memory_account_hold (account, LIMIT - 1);
  g_assert_false (ferry_memory_account_is_full (account));
  ferry_memory_account_hold (account, 1);
  g_assert_true (ferry_memory_account_is_full (account));
  ferry_memory_account_set_limit (account, LIMIT + 1);
  g_assert_false (ferry_memory_account_is_full (account));
  ferry_memory_account_release (account, LIMIT);
  g_assert_cmpint (atomic_load (&account->held), ==, 0);
  g_assert_cmpint (atomic_load (&account->highest_held), ==, LIMIT);
}

static void
test_room_after_a_full_account_rings (void)
{
  g_autoptr (FerryMemoryAccount) account = ferry_memory_account_new (LIMIT);
  g_autoptr (GError) error = NULL;
  ferry_autofd bell = ferry_doorbell_new (&error);

  g_assert_no_error (error);
  g_assert_true (ferry_memory_account_set_bell (account, bell, &error));
  ferry_memory_account_hold (account, LIMIT);
  g_assert_false (is_rung (bell));
  ferry_memory_account_release (account, 1);
  g_assert_true (is_rung (bell));
  ferry_memory_account_hold (account, 1);
  ferry_memory_account_set_limit (account, LIMIT + 1);
  g_assert_true (is_rung (bell));
  g_assert_true (ferry_memory_account_set_bell (account, -1, &error));
  ferry_memory_account_hold (account, 1);
  ferry_memory_account_release (account, LIMIT);
  g_assert_false (is_rung (bell));
  ferry_memory_account_release (account, 1);
}

/* The copy of the doorbell is descriptor 0 then. */
static void
test_doorbell_may_be_descriptor_0 (void)
{
  g_autoptr (FerryMemoryAccount) account = NULL;
  g_autoptr (GError) error = NULL;
  ferry_autofd bell = -1;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }
  account = ferry_memory_account_new (LIMIT);
  bell = ferry_doorbell_new (&error);
  g_assert_no_error (error);
  g_assert_no_errno (close (STDIN_FILENO));
  g_assert_true (ferry_memory_account_set_bell (account, bell, &error));
  g_assert_no_error (error);
  g_assert_cmpint (account->bell, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/memory-account/" path, func)
  ADD ("limit-is-exact", test_limit_is_exact);
  ADD ("room-after-a-full-account-rings", test_room_after_a_full_account_rings);
  ADD ("doorbell-may-be-descriptor-0", test_doorbell_may_be_descriptor_0);
#undef ADD
  return g_test_run ();
}
