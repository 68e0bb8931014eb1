/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-cause.c
 *
 * What programs printed when they failed, and which of it says why. */

#include "config.h"

#include "command-cause.h"

static void
assert_cause (const char *command, const char *lines, const char *expected)
{
  g_auto (GStrv) argv = g_strsplit (command, " ", -1);
  g_autofree char *cause = command_cause_describe (lines, (const char *const *) argv);

  g_assert_cmpstr (cause, ==, expected);
}

static void
test_is_the_first_line_that_looks_so (void)
{
  assert_cause ("tar xf a", "tar: a: Cannot open: No such file\ntar: Error is not recoverable: exiting now\n",
                ": tar: a: Cannot open: No such file");
  assert_cause ("some", "begin\nFATAL: no disk\nend\n", ": FATAL: no disk");
}

static void
test_is_the_last_line_in_another_language (void)
{
  assert_cause ("gpg -d a.gpg",
                "gpg: AES256.CFB verschlüsselte Daten\n[GNUPG:] ERROR get_passphrase 32870\n"
                "gpg: Verschlüsselt mit einem Passwort\n[GNUPG:] DECRYPTION_FAILED\n"
                "gpg: Entschlüsselung fehlgeschlagen: Falscher Schlüssel\n[GNUPG:] END_DECRYPTION\n",
                ": gpg: Entschlüsselung fehlgeschlagen: Falscher Schlüssel");
  assert_cause ("some", "", "");
  assert_cause ("some", "\n", "");
}

static void
test_is_no_line_of_a_protocol (void)
{
  assert_cause ("gpg --status-fd 2 -d a.gpg",
                "gpg: encrypted with 1 passphrase\n[GNUPG:] ERROR symkey_decrypt.maybe_error 11_BAD_PASSPHRASE\n"
                "[GNUPG:] DECRYPTION_FAILED\ngpg: decryption failed: Bad session key\n[GNUPG:] END_DECRYPTION\n",
                ": gpg: decryption failed: Bad session key");
  assert_cause ("gpg --status-fd 2", "[GNUPG:] ERROR get_passphrase 32870\n", "");
}

/* A line that only names what it is about goes on in the next one. */
static void
test_goes_on_behind_an_argument (void)
{
  assert_cause ("7z t -pwrong p.7z",
                "ERROR: p.7z\nCannot open encrypted archive. Wrong password?\n\nERRORS:\nHeaders Error\n",
                ": ERROR: p.7z: Cannot open encrypted archive. Wrong password?");
  assert_cause ("7z t -pwrong q.7z", "ERROR: Data Error in encrypted file. Wrong password? : l.txt\nmore\n",
                ": ERROR: Data Error in encrypted file. Wrong password? : l.txt");
  assert_cause ("7z t p.7z", "ERROR: p.7z\n", ": ERROR: p.7z");
}

/* As 7z does, in these words. */
static void
test_goes_on_behind_a_colon (void)
{
  assert_cause ("7z a p.7z a", "\n\nSystem ERROR:\nerrno=28 : No space left on device\n",
                ": System ERROR: errno=28 : No space left on device");
  assert_cause ("7z x -o/proc/none p.7z",
                "\nERROR: \nCannot create output directory : errno=17 : File exists : /proc/none/\n\n\nSystem ERROR:\n"
                "errno=17 : File exists\n",
                ": ERROR: Cannot create output directory : errno=17 : File exists : /proc/none/");
  assert_cause ("7z t p.7z", "ERROR:\np.7z\nCannot open the file as archive\n",
                ": ERROR: p.7z: Cannot open the file as archive");
  assert_cause ("some", "ERROR:\n[GNUPG:] FAILURE\nno disk\n", ": ERROR: no disk");
  assert_cause ("some", "these failed:\n", ": these failed:");
}

static void
test_is_bounded (void)
{
  g_autofree char *line = g_strnfill (1000, 'x');
  g_autofree char *start = g_strnfill (300, 'x');
  g_autofree char *expected = g_strdup_printf (": %s...", start);

  assert_cause ("some", line, expected);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cause/is-the-first-line-that-looks-so", test_is_the_first_line_that_looks_so);
  g_test_add_func ("/cause/is-the-last-line-in-another-language", test_is_the_last_line_in_another_language);
  g_test_add_func ("/cause/is-no-line-of-a-protocol", test_is_no_line_of_a_protocol);
  g_test_add_func ("/cause/goes-on-behind-an-argument", test_goes_on_behind_an_argument);
  g_test_add_func ("/cause/goes-on-behind-a-colon", test_goes_on_behind_a_colon);
  g_test_add_func ("/cause/is-bounded", test_is_bounded);
  return g_test_run ();
}
