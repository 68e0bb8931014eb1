/* The guard: open a file, have it compressed and saved, and lose no work by closing the window.
 * While a task runs, closing the window asks first, and so does the end of the session. The machine stays awake.
 * The worker writes to a temporary file, and renames it when it is whole. A cancel leaves nothing behind.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#define GDK_DISABLE_DEPRECATION_WARNINGS /* of GtkFileChooserNative: GTK has had GtkFileDialog since 4.10 */
#include <adwaita.h>
#include <ferry-gtk.h>

#define BLOCK (1 << 16)

static FerryExecutor *executor; /* the application's: each of its windows shows the same tasks */

static gboolean
pack (FerryJob *job, const char *path, GFile *part, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  g_autoptr (GFileOutputStream) output =
    file ? g_file_replace (part, NULL, FALSE, G_FILE_CREATE_NONE, NULL, error) : NULL;
  g_autoptr (GConverter) zip = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, 9));
  g_autoptr (GOutputStream) packed = output ? g_converter_output_stream_new (G_OUTPUT_STREAM (output), zip) : NULL;
  gsize length = file != NULL ? g_mapped_file_get_length (file) : 0, done = 0, n_bytes;
  gboolean good = packed != NULL;

  for (; good && done < length; done += n_bytes)
    {
      n_bytes = MIN (length - done, BLOCK);
      good = g_output_stream_write_all (packed, g_mapped_file_get_contents (file) + done, n_bytes, NULL, NULL, error) &&
             ferry_job_report_amount (job, done + n_bytes, length, "bytes", NULL, error);
    }
  return good && g_output_stream_close (packed, NULL, error);
}

static GVariant *
compress (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path = g_variant_get_bytestring (arguments);
  g_autofree char *name = g_strconcat (path, ".gz", NULL), *part_name = g_strconcat (name, ".part", NULL);
  g_autoptr (GFile) result = g_file_new_for_path (name), part = g_file_new_for_path (part_name);

  if (pack (job, path, part, error) && g_file_move (part, result, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, error))
    return g_variant_new_bytestring (name);
  g_file_delete (part, NULL, NULL);
  return NULL;
}

static void
open_file (GFile *file, AdwToastOverlay *overlay)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_file_get_basename (file), *path = g_file_get_path (file);
  g_autoptr (FerryTask) task = NULL;

  if (path == NULL ||
      !(task = ferry_executor_submit_named (executor, name, "compress", g_variant_new_bytestring (path), &error)))
    adw_toast_overlay_add_toast (
      overlay, adw_toast_new (path == NULL ? "Only files of this computer can be opened." : error->message));
}

static void
chosen_cb (GtkNativeDialog *dialog, int response, AdwToastOverlay *overlay)
{
  g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));

  if (response == GTK_RESPONSE_ACCEPT)
    open_file (file, overlay);
  g_object_unref (dialog);
}

static void
choose_cb (GtkWidget *overlay)
{
  GtkFileChooserNative *dialog = gtk_file_chooser_native_new (
    "Compress a File", GTK_WINDOW (gtk_widget_get_root (overlay)), GTK_FILE_CHOOSER_ACTION_OPEN, "_Compress", NULL);

  g_signal_connect (dialog, "response", G_CALLBACK (chosen_cb), overlay);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static void
open_cb (GtkApplication *application, GFile **files, int n_files)
{
  g_autoptr (GError) error = NULL;
  if (executor == NULL)
    executor = ferry_executor_new_for_program ("/proc/self/exe", &error);

  GtkWidget *header = adw_header_bar_new (), *overlay = adw_toast_overlay_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *button = gtk_button_new_with_mnemonic ("_Open…");
  GtkWidget *page =
    g_object_new (ADW_TYPE_STATUS_PAGE, "title", "Compress", "description",
                  error ? error->message : "Open large files. Each is compressed, and saved beside itself.", NULL);
  GtkWidget *list = g_object_new (FERRY_TYPE_TASK_LIST, "tasks", executor, "placeholder", page, "vexpand", TRUE, NULL);
  GtkWidget *window = g_object_new (ADW_TYPE_APPLICATION_WINDOW, "application", application, "title", "Compress",
                                    "content", box, "default-width", 480, "default-height", 420, NULL);

  adw_toast_overlay_set_child (ADW_TOAST_OVERLAY (overlay), g_object_new (ADW_TYPE_CLAMP, "child", list, NULL));
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), button);
  gtk_box_append (GTK_BOX (box), header);
  gtk_box_append (GTK_BOX (box), overlay);
  gtk_widget_set_sensitive (button, executor != NULL);
  g_signal_connect_object (button, "clicked", G_CALLBACK (choose_cb), overlay, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (window));
  if (executor == NULL)
    return;
  g_object_set (executor, "keep-finished", 1000, NULL);
  ferry_task_guard_add (G_LIST_MODEL (executor), GTK_WINDOW (window)); /* the window keeps it */
  for (int i = 0; i < n_files; i++)
    open_file (files[i], ADW_TOAST_OVERLAY (overlay));
}

/* Without a file. */
static void
activate_cb (GtkApplication *application)
{
  open_cb (application, NULL, 0);
}

int
main (int argc, char **argv)
{
  ferry_function_register ("compress", "ay", "ay", compress);
  ferry_worker_main (&argc, &argv);

  g_autoptr (AdwApplication) application = adw_application_new ("org.example.Guard", G_APPLICATION_HANDLES_OPEN);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  g_signal_connect (application, "open", G_CALLBACK (open_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
