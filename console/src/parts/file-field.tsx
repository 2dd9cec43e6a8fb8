/** A field for one file. */

import FileUpload from "@cloudscape-design/components/file-upload";
import FormField from "@cloudscape-design/components/form-field";

export interface FileFieldProps {
  readonly label: string;
  readonly description: string;
  readonly files: readonly File[];
  /** What is wrong with the file, or that there is none. */
  readonly problem: string | undefined;
  onChange(files: readonly File[]): void;
}

export function FileField({ label, description, files, problem, onChange }: FileFieldProps) {
  return (
    <FormField label={label} description={description}>
      <FileUpload
        value={files}
        onChange={({ detail }) => onChange(detail.value)}
        {...(problem !== undefined && { errorText: problem })}
        showFileSize
        i18nStrings={{
          uploadButtonText: () => "Choose file",
          dropzoneText: () => "Drop file to upload",
          removeFileAriaLabel: () => `Remove ${label.toLowerCase()}`,
          limitShowFewer: "Show fewer files",
          limitShowMore: "Show more files",
          errorIconAriaLabel: "Error",
        }}
      />
    </FormField>
  );
}
