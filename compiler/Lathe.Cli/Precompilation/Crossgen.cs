using System.ComponentModel;
using System.Diagnostics;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Emission;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Precompilation;

/// <summary>
/// The .NET SDK's compiler of assemblies to machine code. What it makes runs where the assembly runs; on the system and processors that it was made for, without the JIT.
/// </summary>
internal sealed class Crossgen
{
    private readonly string _program;

    private Crossgen(string program) => _program = program;

    /// <summary>The one that this build of <c>lathe</c> brought along; null if its package could not be had.</summary>
    public static Crossgen? Own { get; } = File.Exists(OwnProgram) ? new(OwnProgram) : null;

    /// <summary>Tells this compiler from others.</summary>
    public string Identity => $"{new FileInfo(_program).Length} {File.GetLastWriteTimeUtc(_program).Ticks}";

    private static string OwnFolder => Path.GetDirectoryName(typeof(Crossgen).Assembly.Location)!;

    private static string OwnProgram => Path.Combine(OwnFolder, "crossgen2", OperatingSystem.IsWindows() ? "crossgen2.exe" : "crossgen2");

    /// <summary>A compiler that the user names.</summary>
    /// <exception cref="FailedException">It is not there.</exception>
    public static Crossgen At(string program) =>
        File.Exists(program) ? new(program) : throw new FailedException(program, DiagnosticTable.NotPrecompiled, "there is no such program");

    /// <summary>Compiles an assembly. Of one with a compiled model, the kernels too, for an instruction set; other kernels in it are compiled by the JIT.</summary>
    /// <param name="assembly">The assembly.</param>
    /// <param name="name">Its file name.</param>
    /// <param name="isa">The instruction set.</param>
    /// <param name="about">What messages are about.</param>
    /// <param name="cancellation">Ends the process.</param>
    /// <exception cref="FailedException">It failed.</exception>
    public byte[] Compile(byte[] assembly, string name, Isa isa, string about, CancellationToken cancellation)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("lathe-");
        try
        {
            string input = Path.Combine(folder.FullName, name), output = Path.Combine(folder.CreateSubdirectory("out").FullName, name);
            bool hasKernels = HasModel(assembly);
            File.WriteAllBytes(input, hasKernels ? ReadyToRun.Prepare(assembly) : assembly);
            Run(input, output, hasKernels ? isa : Isa.Vector128, about, cancellation);
            byte[] image = File.ReadAllBytes(output);
            return hasKernels ? ReadyToRun.Finish(image, assembly) : image;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or BadImageFormatException or InvalidOperationException or Win32Exception)
        {
            throw new FailedException(about, DiagnosticTable.NotPrecompiled, failure.Message);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static bool HasModel(byte[] assembly)
    {
        using PEReader file = new(new MemoryStream(assembly, writable: false));
        MetadataReader metadata = file.GetMetadataReader();
        return metadata.GetAssemblyDefinition().GetCustomAttributes()
            .Select(handle => metadata.GetCustomAttribute(handle).Constructor)
            .Where(constructor => constructor.Kind == HandleKind.MemberReference)
            .Select(constructor => metadata.GetMemberReference((MemberReferenceHandle)constructor).Parent)
            .Any(type => type.Kind == HandleKind.TypeReference
                && metadata.StringComparer.Equals(metadata.GetTypeReference((TypeReferenceHandle)type).Name, nameof(CompiledModuleAttribute)));
    }

    private void Run(string input, string output, Isa isa, string about, CancellationToken cancellation)
    {
        ProcessStartInfo start = new(_program) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (string argument in (string[])
            [
                input, "--out", output, "--optimize", "--targetos", OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "osx" : "linux",
                "--targetarch", RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(),
                "--reference", Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "*.dll"), "--reference", Path.Combine(OwnFolder, "Lathe.Runtime.dll"),
            ])
            start.ArgumentList.Add(argument);
        // Code for these is used on processors that have them; the runtime checks.
        if (isa != Isa.Vector128) start.ArgumentList.Add(isa == Isa.Avx512 ? "--instruction-set:x86-64-v4" : "--instruction-set:x86-64-v3");
        using Process process = Process.Start(start)!;
        using CancellationTokenRegistration stop = cancellation.Register(() => process.Kill(entireProcessTree: true));
        Task<string> messages = process.StandardOutput.ReadToEndAsync(CancellationToken.None), errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        process.WaitForExit();
        cancellation.ThrowIfCancellationRequested();
        if (process.ExitCode != 0)
            throw new FailedException(about, DiagnosticTable.NotPrecompiled, (errors.Result + messages.Result).Split('\n', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? $"crossgen2 ended with {process.ExitCode}");
    }
}
