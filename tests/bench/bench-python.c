/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-python.h"

#include "bench-common.h"
#include "bench-team.h"

BenchPython *
bench_python_spawn (const char *const *arguments)
{
  BenchPython *self = g_new0 (BenchPython, 1);
  g_autoptr (GError) error = NULL;

  self->process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  if (self->process == NULL)
    bench_fail (arguments[0], error);
  self->output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  return self;
}

BenchPython *
bench_python_new (const char *for_what)
{
  g_autofree char *program = g_find_program_in_path ("python3");

  if (program != NULL)
    return bench_python_spawn ((const char *const[]){program, BENCH_PYTHON_SCRIPT, NULL});
  bench_comment ("%s skipped: there is no python3", for_what);
  return NULL;
}

void
bench_python_free (BenchPython *self)
{
  if (self == NULL)
    return;
  g_output_stream_close (g_subprocess_get_stdin_pipe (self->process), NULL, NULL);
  g_subprocess_wait (self->process, NULL, NULL);
  g_object_unref (self->output);
  g_object_unref (self->process);
  g_free (self);
}

char *
bench_python_read (BenchPython *self)
{
  g_autoptr (GError) error = NULL;
  char *line = g_data_input_stream_read_line (self->output, NULL, NULL, &error);

  if (line == NULL)
    bench_fail ("python3", error);
  return line;
}

double
bench_python_ask (BenchPython *self, const char *what, guint n)
{
  GOutputStream *input = g_subprocess_get_stdin_pipe (self->process);
  g_autofree char *line = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_output_stream_printf (input, NULL, NULL, &error, "%s %u\n", what, n) ||
      !g_output_stream_flush (input, NULL, &error))
    bench_fail ("python3", error);
  line = bench_python_read (self);
  return g_ascii_strtod (line, NULL);
}
