/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-symbolizer-main.c, process/ferry-symbol-table-dw.c, process/ferry-symbol-table-elf.c,
 * process/ferry-module-identity.c
 *
 * The program that looks up names of functions, with libdw, where that is there, and by the tables of files. */

#include "config.h"

#include <dlfcn.h>
#include <elf.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

#include "ferry-test.h"
#include "process/ferry-module-identity-private.h"

/* The one that is installed, and one that is built without libdw. */
static char *programs[2];

/* It is looked for by its name, and in the middle. */
__attribute__ ((noinline, noclone)) int test_symbolizer_seek (int a);

int
test_symbolizer_seek (int a)
{
  for (volatile int i = 0; i < 10; i++)
    a += i;
  return a;
}

/* As the names of templates can be. */
#define EIGHT_TIMES(text) text text text text text text text text
#define LONG_NAME EIGHT_TIMES (EIGHT_TIMES (EIGHT_TIMES ("name")))

int test_symbolizer_seek_long (int a) __asm__(LONG_NAME);

__attribute__ ((noinline, noclone)) int
test_symbolizer_seek_long (int a)
{
  return test_symbolizer_seek (a) + 1;
}

/* (transfer full): what a program answers. */
static char *
ask (const char *program, const char *questions, const char *sandbox)
{
  g_autoptr (GSubprocessLauncher) launcher =
    g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  char *answers = NULL;

  if (sandbox != NULL)
    g_subprocess_launcher_setenv (launcher, "FERRY_SANDBOX", sandbox, TRUE);
  process = g_subprocess_launcher_spawn (launcher, &error, program, NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, questions, NULL, &answers, NULL, &error);
  g_assert_no_error (error);
  return answers;
}

/* The place of a function in the file of this program, and that file. */
static guint64
find_place_of (int (*func) (int), char **path)
{
  struct link_map *map = NULL;
  Dl_info found;

  g_assert_cmpint (dladdr1 ((gpointer) func, &found, (void **) &map, RTLD_DL_LINKMAP), !=, 0);
  *path = g_file_read_link ("/proc/self/exe", NULL);
  return (guintptr) func - map->l_addr;
}

static guint64
find_place (char **path)
{
  return find_place_of (test_symbolizer_seek, path);
}

static void
assert_finds (const char *program, const char *sandbox)
{
  g_autofree char *path = NULL;
  guint64 place = find_place (&path);
  g_autofree char *questions =
    g_strdup_printf ("1 %" G_GINT64_MODIFIER "x - %s\n0 %" G_GINT64_MODIFIER "x - %s\n", place, path, place + 4, path);
  g_autofree char *answers = ask (program, questions, sandbox);
  g_auto (GStrv) lines = g_strsplit (answers, "\n", -1);

  g_assert_cmpuint (g_strv_length (lines), ==, 3);
  g_assert_true (g_str_has_prefix (lines[0], "test_symbolizer_seek+0x0\t"));
  g_assert_true (g_str_has_prefix (lines[1], "test_symbolizer_seek+0x4\t"));
#ifdef FERRY_HAVE_DW
  if (program == programs[0])
    g_assert_nonnull (strstr (lines[0], "\ttest-symbolizer.c:"));
#endif
}

static void
finds_a_function (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    assert_finds (programs[i], NULL);
}

static void
finds_it_in_its_sandbox (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    assert_finds (programs[i], "1 layers=62 required=0 read=/");
}

/* The place behind a call may be that of the next function. */
static void
looks_before_the_place_behind_a_call (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autofree char *path = NULL;
      guint64 place = find_place (&path);
      g_autofree char *question = g_strdup_printf ("0 %" G_GINT64_MODIFIER "x - %s\n", place, path);
      g_autofree char *answer = ask (programs[i], question, NULL);

      g_assert_false (g_str_has_prefix (answer, "test_symbolizer_seek"));
    }
}

static void
cuts_long_names (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autofree char *path = NULL;
      guint64 place = find_place_of (test_symbolizer_seek_long, &path);
      g_autofree char *question = g_strdup_printf ("1 %" G_GINT64_MODIFIER "x - %s\n", place, path);
      g_autofree char *answer = ask (programs[i], question, NULL);

      g_assert_true (g_str_has_prefix (answer, "namename"));
      g_assert_cmpuint (strspn (answer, "name"), ==, 200);
      g_assert_true (g_str_has_prefix (answer + 200, "+0x0\t"));
    }
}

static void
assert_knows_nothing (const char *path)
{
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autofree char *question = g_strdup_printf ("1 1000 0123 %s\n", path);
      g_autofree char *answer = ask (programs[i], question, NULL);

      g_assert_cmpstr (answer, ==, "\t\n");
    }
}

static void
reads_regular_files_only (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-test-XXXXXX", NULL);
  g_autofree char *fifo = g_build_filename (folder, "fifo", NULL);

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  assert_knows_nothing (fifo);
  assert_knows_nothing (folder);
  assert_knows_nothing ("/dev/zero");
  assert_knows_nothing ("/proc/self/maps");
  assert_knows_nothing ("/nonexistent");
  assert_knows_nothing ("relative");
  assert_knows_nothing ("-");
  g_unlink (fifo);
  g_rmdir (folder);
}

/* (transfer full): what identifies the build, in hexadecimal. */
static char *
identify (const char *bytes, gsize size, gboolean is_mapped)
{
  /* What lies behind it on the heap is not read. */
  g_autofree char *copy = g_memdup2 (bytes, is_mapped ? 0 : size);
  guint8 identity[FERRY_MAX_IDENTITY];
  guint32 identity_size = ferry_module_identify (is_mapped ? bytes : copy, size, is_mapped, identity);
  GString *text = g_string_new (NULL);

  g_assert_cmpuint (identity_size, <=, FERRY_MAX_IDENTITY);
  for (guint i = 0; i < identity_size; i++)
    g_string_append_printf (text, "%02x", identity[i]);
  return g_string_free (text, FALSE);
}

/* (transfer full): that of a library which is loaded. */
static char *
identify_loaded (const char *path)
{
  void *library = dlopen (path, RTLD_NOW);
  struct dl_find_object found;
  char *identity;

  g_assert_nonnull (library);
  g_assert_cmpint (_dl_find_object (dlsym (library, "run"), &found), ==, 0);
  identity = identify (found.dlfo_map_start, (char *) found.dlfo_map_end - (char *) found.dlfo_map_start, TRUE);
  dlclose (library);
  return identity;
}

static void
finds_in_memory_what_is_in_the_file (void)
{
  static const struct
  {
    const char *name;
    gsize size;
  } libraries[] = {{"named-library.so", 40}, {"unidentified-library.so", 16}};

  for (guint i = 0; i < G_N_ELEMENTS (libraries); i++)
    {
      g_autofree char *path = ferry_test_build_path (libraries[i].name);
      g_autofree char *loaded = identify_loaded (path);
      g_autofree char *bytes = NULL;
      g_autofree char *read = NULL;
      gsize size;

      g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
      read = identify (bytes, size, FALSE);
      g_assert_cmpstr (loaded, ==, read);
      g_assert_cmpuint (strlen (loaded), ==, libraries[i].size);
    }
}

/* The text of the code, of a library without a build id, makes a difference. */
static void
names_nothing_in_another_build (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "library", NULL);
  g_autofree char *own = ferry_test_build_path ("unidentified-library.so");
  g_autofree char *loaded = identify_loaded (own);
  g_autofree char *bytes = NULL;
  g_autofree char *question = NULL;
  const ElfW (Phdr) * header;
  gsize size;

  g_assert_true (g_file_get_contents (own, &bytes, &size, NULL));
  header = (gpointer) (bytes + ((const ElfW (Ehdr) *) (gpointer) bytes)->e_phoff);
  while (header->p_type != PT_LOAD || (header->p_flags & PF_X) == 0)
    header++;
  question = g_strdup_printf ("1 %" G_GINT64_MODIFIER "x %s %s\n", (guint64) header->p_vaddr, loaded, path);
  for (gboolean is_changed = FALSE; is_changed <= TRUE; is_changed++)
    {
      bytes[header->p_offset + header->p_filesz - 1] ^= is_changed;
      g_assert_true (g_file_set_contents (path, bytes, (gssize) size, NULL));
      for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
        {
          g_autofree char *answer = ask (programs[i], question, NULL);

          g_assert_true (g_str_equal (answer, "\t\tchanged\n") == is_changed);
        }
    }
  g_unlink (path);
  g_rmdir (folder);
}

static void
reads_nothing_outside_of_what_is_spoiled (void)
{
  static const char *const names[] = {"named-library.so", "unidentified-library.so"};

  for (guint i = 0; i < 2 * 512; i++)
    {
      g_autofree char *path = ferry_test_build_path (names[i / 512]);
      g_autofree char *whole = NULL;
      g_autofree char *cut = NULL;
      g_autofree char *spoiled = NULL;
      gsize size;

      g_assert_true (g_file_get_contents (path, &whole, &size, NULL));
      cut = identify (whole, i % 512, FALSE);
      memset (whole + i % 512, 0xff, 8);
      spoiled = identify (whole, size, FALSE);
    }
}

/* Each byte of the heads of a file is spoiled once, and the file cut at many places. */
static void
survives_files_that_are_spoiled (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "spoiled", NULL);
  g_autofree char *own = ferry_test_build_path ("unnamed-library.so");
  g_autofree char *question = g_strdup_printf ("1 1119 - %s\n", path);
  g_autofree char *bytes = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (own, &bytes, &size, NULL));
  for (guint i = 0; i < 128; i++)
    {
      gsize place = i < 64 ? i : size - (i - 63) * 32;
      char before = bytes[place];

      bytes[place] = (char) ~before;
      g_assert_true (g_file_set_contents (path, bytes, i % 4 == 3 ? (gssize) (size / 128 * i) : (gssize) size, NULL));
      bytes[place] = before;
      for (guint n = 0; n < G_N_ELEMENTS (programs); n++)
        {
          g_autofree char *answer = ask (programs[n], question, NULL);

          g_assert_true (answer[0] == '\0' || g_str_has_suffix (answer, "\n"));
        }
    }
  g_unlink (path);
  g_rmdir (folder);
}

static void
ends_after_so_many_questions (void)
{
  g_autoptr (GString) questions = g_string_new (NULL);

  for (guint i = 0; i < 1000; i++)
    g_string_append (questions, "1 1000 - -\n");
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autofree char *answers = ask (programs[i], questions->str, NULL);

      g_assert_cmpuint (strlen (answers), ==, 2 * 64);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  programs[0] = g_strdup (g_getenv ("FERRY_SYMBOLIZER"));
  programs[1] = ferry_test_build_path ("symbolizer-by-tables");
  g_test_add_func ("/symbolizer/finds-a-function", finds_a_function);
  g_test_add_func ("/symbolizer/finds-it-in-its-sandbox", finds_it_in_its_sandbox);
  g_test_add_func ("/symbolizer/looks-before-the-place-behind-a-call", looks_before_the_place_behind_a_call);
  g_test_add_func ("/symbolizer/cuts-long-names", cuts_long_names);
  g_test_add_func ("/symbolizer/finds-in-memory-what-is-in-the-file", finds_in_memory_what_is_in_the_file);
  g_test_add_func ("/symbolizer/names-nothing-in-another-build", names_nothing_in_another_build);
  g_test_add_func ("/symbolizer/reads-nothing-outside-of-what-is-spoiled", reads_nothing_outside_of_what_is_spoiled);
  g_test_add_func ("/symbolizer/reads-regular-files-only", reads_regular_files_only);
  g_test_add_func ("/symbolizer/survives-files-that-are-spoiled", survives_files_that_are_spoiled);
  g_test_add_func ("/symbolizer/ends-after-so-many-questions", ends_after_so_many_questions);
  return g_test_run ();
}
