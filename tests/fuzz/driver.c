/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs one fuzzer without libFuzzer: on the files of its corpus, on changed ones, and on inputs out of thin air. The
 * row is the same each time, and ten times as long at night. No input leaves a descriptor open. */

#include "config.h"

#include "fuzz.h"

#include <string.h>

#include "ferry-test.h"

#define CHANGED_EACH_TIME 200
#define CHANGED_EACH_NIGHT 2000
#define RANDOM_EACH_TIME 200
#define RANDOM_EACH_NIGHT 2000
#define MAX_RANDOM_SIZE 512

static char *corpus_path;
static GPtrArray *corpus; /* (element-type GBytes) */

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
load_corpus (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) folder = g_dir_open (corpus_path, 0, &error);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  g_assert_no_error (error);
  corpus = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  while ((name = g_dir_read_name (folder)) != NULL)
    g_ptr_array_add (names, g_build_filename (corpus_path, name, NULL));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    {
      char *contents;
      gsize size;

      g_file_get_contents (g_ptr_array_index (names, i), &contents, &size, &error);
      g_assert_no_error (error);
      g_ptr_array_add (corpus, g_bytes_new_take (contents, size));
    }
  g_assert_cmpuint (corpus->len, >, 0);
}

/* A copy on the heap of just that size, so that AddressSanitizer sees a step beyond it. */
static void
run_input (gconstpointer data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);

  LLVMFuzzerTestOneInput (copy, size);
}

static void
run_corpus (void)
{
  for (guint i = 0; i < corpus->len; i++)
    {
      gsize size;
      gconstpointer data = g_bytes_get_data (g_ptr_array_index (corpus, i), &size);

      run_input (data, size);
    }
}

/* Seeds age with the protocol: one that nothing accepts any more begins no search. */
static void
test_corpus_is_good (void)
{
  fuzz_n_accepted = 0;
  run_corpus ();
  g_assert_cmpuint (fuzz_n_accepted, >, 0);
}

static void
test_corpus (void)
{
  guint n_fds;

  /* What GLib opens at its first use stays open. */
  run_corpus ();
  n_fds = ferry_test_count_fds ();
  run_corpus ();
  g_assert_cmpuint (ferry_test_count_fds (), ==, n_fds);
}

static void
change (GRand *rand, guint8 *data, gsize size)
{
  static const guint8 edges[] = {0, 1, 7, 8, 127, 128, 255};

  for (gint32 n = g_rand_int_range (rand, 1, 6); n > 0 && size > 0; n--)
    {
      guint8 *place = data + g_rand_int_range (rand, 0, (gint32) size);

      if (g_rand_boolean (rand))
        *place = edges[g_rand_int_range (rand, 0, G_N_ELEMENTS (edges))];
      else
        *place ^= (guint8) (1 << g_rand_int_range (rand, 0, 8));
    }
}

static void
test_changed (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  guint n_changed = ferry_test_times (CHANGED_EACH_TIME, CHANGED_EACH_NIGHT);

  for (guint i = 0; i < n_changed; i++)
    {
      gsize size;
      gconstpointer data = g_bytes_get_data (g_ptr_array_index (corpus, i % corpus->len), &size);
      g_autofree guint8 *changed = g_memdup2 (data, size);

      change (rand, changed, size);
      run_input (changed, i % 3 == 0 ? (gsize) g_rand_int_range (rand, 0, (gint32) size + 1) : size);
    }
}

static void
test_random (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (2);
  guint n_random = ferry_test_times (RANDOM_EACH_TIME, RANDOM_EACH_NIGHT);
  guint n_fds = ferry_test_count_fds ();

  for (guint i = 0; i < n_random; i++)
    {
      guint8 data[MAX_RANDOM_SIZE];
      gsize size = (gsize) g_rand_int_range (rand, 0, sizeof data + 1);

      /* Few bits in half of them: small numbers are what most fields want. */
      for (gsize j = 0; j < size; j++)
        data[j] = (guint8) (g_rand_int (rand) & (i % 2 == 0 ? 0xff : 0x07)) * (i % 2 == 0 || j % 4 == 0);
      run_input (data, size);
    }
  g_assert_cmpuint (ferry_test_count_fds (), ==, n_fds);
}

static void
add_fact (const char *program, const char *name, GTestFunc test)
{
  g_autofree char *path = g_strdup_printf ("/%s/%s", program, name);

  g_test_add_func (path, test);
}

/* The program is named after its corpus: fuzz-NAME. */
int
main (int argc, char **argv)
{
  g_autofree char *program = g_path_get_basename (argv[0]);
  int status;

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  corpus_path = g_test_build_filename (G_TEST_DIST, "fuzz", "corpus", program + strlen ("fuzz-"), NULL);
  load_corpus ();
  add_fact (program, "corpus-is-decoded", test_corpus);
  add_fact (program, "some-of-the-corpus-is-accepted", test_corpus_is_good);
  add_fact (program, "changed-corpus-is-decoded", test_changed);
  add_fact (program, "random-bytes-are-decoded", test_random);
  status = g_test_run ();
  g_ptr_array_unref (corpus);
  g_free (corpus_path);
  return status;
}
