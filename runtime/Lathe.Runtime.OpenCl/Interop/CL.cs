using System.Runtime.InteropServices;

namespace Lathe.Runtime.OpenCl.Interop;

/// <summary>The functions of OpenCL 1.2 that are used, and their constants; each is <c>clNAME</c>. Handles are pointers; <see cref="ClHandle"/> owns them.</summary>
internal static unsafe partial class CL
{
    public const int Success = 0, DeviceNotFound = -1, DeviceNotAvailable = -2, MemObjectAllocationFailure = -4, OutOfResources = -5, OutOfHostMemory = -6,
        BuildProgramFailure = -11, InvalidBufferSize = -61, PlatformNotFoundKhr = -1001;

    public const nint DevicePartitionByCounts = 0x1087, DevicePartitionByCountsListEnd = 0;

    public const ulong DeviceTypeAll = 0xFFFFFFFF, DeviceTypeCpu = 1 << 1;

    public const uint PlatformName = 0x0902;

    public const uint DeviceType = 0x1000, DeviceMaxComputeUnits = 0x1002, DeviceMaxParameterSize = 0x1017, DeviceGlobalMemSize = 0x101F, DeviceAvailable = 0x1027,
        DeviceCompilerAvailable = 0x1028, DeviceName = 0x102B, DriverVersion = 0x102D, DeviceVersion = 0x102F, DeviceExtensions = 0x1030, DeviceHostUnifiedMemory = 0x1035,
        DeviceNativeVectorWidthFloat = 0x103A, DeviceSingleFpConfig = 0x101B;

    public const ulong FpCorrectlyRoundedDivideSqrt = 1 << 7;

    public const ulong QueueProfilingEnable = 1 << 1;

    public const ulong MemReadWrite = 1 << 0, MemReadOnly = 1 << 2, MemUseHostPtr = 1 << 3, MemCopyHostPtr = 1 << 5;

    public const ulong MapRead = 1 << 0, MapWrite = 1 << 1;

    public const uint ProgramBinarySizes = 0x1165, ProgramBinaries = 0x1166, ProgramBuildLog = 0x1183;

    public const uint ProfilingCommandStart = 0x1282, ProfilingCommandEnd = 0x1283;

    private const string Library = LibOpenCL.Name;

    [LibraryImport(Library, EntryPoint = "clGetPlatformIDs")]
    public static partial int GetPlatformIDs(uint entries, nint* platforms, uint* count);

    [LibraryImport(Library, EntryPoint = "clGetPlatformInfo")]
    public static partial int GetPlatformInfo(nint platform, uint name, nuint size, void* value, nuint* actual);

    [LibraryImport(Library, EntryPoint = "clGetDeviceIDs")]
    public static partial int GetDeviceIDs(nint platform, ulong type, uint entries, nint* devices, uint* count);

    [LibraryImport(Library, EntryPoint = "clGetDeviceInfo")]
    public static partial int GetDeviceInfo(nint device, uint name, nuint size, void* value, nuint* actual);

    [LibraryImport(Library, EntryPoint = "clCreateSubDevices")]
    public static partial int CreateSubDevices(nint device, nint* properties, uint entries, nint* devices, uint* count);

    [LibraryImport(Library, EntryPoint = "clReleaseDevice")]
    public static partial int ReleaseDevice(nint device);

    [LibraryImport(Library, EntryPoint = "clCreateContext")]
    public static partial nint CreateContext(nint* properties, uint count, nint* devices, nint notify, nint data, int* error);

    [LibraryImport(Library, EntryPoint = "clReleaseContext")]
    public static partial int ReleaseContext(nint context);

    [LibraryImport(Library, EntryPoint = "clCreateCommandQueue")]
    public static partial nint CreateCommandQueue(nint context, nint device, ulong properties, int* error);

    [LibraryImport(Library, EntryPoint = "clReleaseCommandQueue")]
    public static partial int ReleaseCommandQueue(nint queue);

    [LibraryImport(Library, EntryPoint = "clCreateBuffer")]
    public static partial nint CreateBuffer(nint context, ulong flags, nuint size, void* pointer, int* error);

    [LibraryImport(Library, EntryPoint = "clRetainMemObject")]
    public static partial int RetainMemObject(nint memory);

    [LibraryImport(Library, EntryPoint = "clReleaseMemObject")]
    public static partial int ReleaseMemObject(nint memory);

    [LibraryImport(Library, EntryPoint = "clCreateProgramWithSource")]
    public static partial nint CreateProgramWithSource(nint context, uint count, byte** strings, nuint* lengths, int* error);

    [LibraryImport(Library, EntryPoint = "clCreateProgramWithBinary")]
    public static partial nint CreateProgramWithBinary(nint context, uint count, nint* devices, nuint* lengths, byte** binaries, int* status, int* error);

    [LibraryImport(Library, EntryPoint = "clBuildProgram")]
    public static partial int BuildProgram(nint program, uint count, nint* devices, byte* options, nint notify, nint data);

    [LibraryImport(Library, EntryPoint = "clGetProgramInfo")]
    public static partial int GetProgramInfo(nint program, uint name, nuint size, void* value, nuint* actual);

    [LibraryImport(Library, EntryPoint = "clGetProgramBuildInfo")]
    public static partial int GetProgramBuildInfo(nint program, nint device, uint name, nuint size, void* value, nuint* actual);

    [LibraryImport(Library, EntryPoint = "clReleaseProgram")]
    public static partial int ReleaseProgram(nint program);

    [LibraryImport(Library, EntryPoint = "clCreateKernel")]
    public static partial nint CreateKernel(nint program, byte* name, int* error);

    [LibraryImport(Library, EntryPoint = "clSetKernelArg")]
    public static partial int SetKernelArg(nint kernel, uint index, nuint size, void* value);

    [LibraryImport(Library, EntryPoint = "clReleaseKernel")]
    public static partial int ReleaseKernel(nint kernel);

    [LibraryImport(Library, EntryPoint = "clEnqueueNDRangeKernel")]
    public static partial int EnqueueNDRangeKernel(nint queue, nint kernel, uint dimensions, nuint* offset, nuint* global, nuint* local, uint waits, nint* waitList, nint* signal);

    [LibraryImport(Library, EntryPoint = "clEnqueueReadBuffer")]
    public static partial int EnqueueReadBuffer(nint queue, nint memory, uint blocking, nuint offset, nuint size, void* to, uint waits, nint* waitList, nint* signal);

    [LibraryImport(Library, EntryPoint = "clEnqueueWriteBuffer")]
    public static partial int EnqueueWriteBuffer(nint queue, nint memory, uint blocking, nuint offset, nuint size, void* from, uint waits, nint* waitList, nint* signal);

    [LibraryImport(Library, EntryPoint = "clEnqueueCopyBuffer")]
    public static partial int EnqueueCopyBuffer(nint queue, nint from, nint to, nuint fromOffset, nuint toOffset, nuint size, uint waits, nint* waitList, nint* signal);

    [LibraryImport(Library, EntryPoint = "clEnqueueMapBuffer")]
    public static partial nint EnqueueMapBuffer(nint queue, nint memory, uint blocking, ulong flags, nuint offset, nuint size, uint waits, nint* waitList, nint* signal, int* error);

    [LibraryImport(Library, EntryPoint = "clEnqueueUnmapMemObject")]
    public static partial int EnqueueUnmapMemObject(nint queue, nint memory, void* pointer, uint waits, nint* waitList, nint* signal);

    [LibraryImport(Library, EntryPoint = "clWaitForEvents")]
    public static partial int WaitForEvents(uint count, nint* events);

    [LibraryImport(Library, EntryPoint = "clFlush")]
    public static partial int Flush(nint queue);

    [LibraryImport(Library, EntryPoint = "clFinish")]
    public static partial int Finish(nint queue);

    [LibraryImport(Library, EntryPoint = "clGetEventProfilingInfo")]
    public static partial int GetEventProfilingInfo(nint signal, uint name, nuint size, void* value, nuint* actual);

    [LibraryImport(Library, EntryPoint = "clReleaseEvent")]
    public static partial int ReleaseEvent(nint signal);
}
